package find_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/find/findtest"
)

// heard is what one node hears of others.
type heard struct {
	mu    sync.Mutex
	found []find.Found
	lines bytes.Buffer
	news  chan struct{}
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines.Write(b)
}

// listen runs a LAN until the test ends.
func listen(t *testing.T, log byte, n byte, addr string) *heard {
	h := &heard{news: make(chan struct{}, 1)}
	lan := find.LAN{
		Log: crdt.LogID{log}, Author: author(n), Listen: netip.MustParseAddrPort(addr),
		Logger: slog.New(slog.NewTextHandler(h, nil)),
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		lan.Run(ctx, func(found []find.Found) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.found = found
			select {
			case h.news <- struct{}{}:
			default:
			}
		})
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return h
}

// author returns the n-th author of these tests.
func author(n byte) crdt.Author {
	return crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
}

// await waits until exactly these addresses of one author are heard.
func (h *heard) await(t *testing.T, n byte, addrs ...string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		var got []string
		for _, f := range h.found {
			if f.Author != author(n) {
				t.Errorf("heard of %s", f.Author.Short())
			}
			got = append(got, f.Addr)
		}
		h.mu.Unlock()
		if slices.Equal(addrs, got) {
			return
		}
		select {
		case <-h.news:
		case <-late:
			t.Fatalf("(-want +got):\n%s\n%s", cmp.Diff(addrs, got), &h.lines)
		}
	}
}

// Two nodes of a log find each other on each network of the machine; a third, of another log, finds
// nobody and is found by nobody.
func TestLAN(t *testing.T) {
	if !findtest.Alone(t, "link set lo up",
		"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up",
		"addr add 10.77.0.1/24 dev v0", "addr add 10.77.1.1/24 dev v1", "route add 224.0.0.0/4 dev v0",
	) {
		return
	}
	a := listen(t, 1, 1, "[::]:7001")
	b := listen(t, 1, 2, "10.77.1.1:7002")
	c := listen(t, 2, 3, "0.0.0.0:7003")
	a.await(t, 2, "10.77.1.1:7002")
	b.await(t, 1, "10.77.0.1:7001", "10.77.1.1:7001")
	<-c.news
	c.await(t, 0)
}

// Without multicast that is said once, and nothing else happens.
func TestLANWithoutMulticast(t *testing.T) {
	if !findtest.Alone(t, "link set lo up") {
		return
	}
	h := listen(t, 1, 1, "0.0.0.0:7001")
	<-h.news
	<-h.news
	h.await(t, 0)
	if n := strings.Count(h.lines.String(), "level=WARN"); n != 1 || !strings.Contains(h.lines.String(), "no interface of this machine is up and can multicast") {
		t.Errorf("%d warnings:\n%s", n, &h.lines)
	}
}

// Who listens on loopback only is told that nobody will hear of it.
func TestLANOnLoopback(t *testing.T) {
	if !findtest.Alone(t, "link set lo up") {
		return
	}
	h := listen(t, 1, 1, "127.0.0.1:7001")
	<-h.news
	if !strings.Contains(h.lines.String(), "listens on loopback only") {
		t.Errorf("%s", &h.lines)
	}
}
