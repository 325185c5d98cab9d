package membership

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

var (
	log1 = crdt.LogID{1}
	addr = netip.MustParseAddrPort("10.1.2.3:7946")
)

func keyOf(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// announce returns the node that memberlist would show for an announcement.
func announce(key ed25519.PrivateKey, log crdt.LogID, addr netip.AddrPort, counter uint64, name string) *memberlist.Node {
	a := announcement{author: crdt.AuthorOf(key), addr: addr, counter: counter, name: name}
	return &memberlist.Node{
		Name: a.author.String(), Addr: addr.Addr().AsSlice(), Port: addr.Port(), Meta: a.sign(key, log),
	}
}

// newMember returns a membership that does not run.
func newMember(t *testing.T, key ed25519.PrivateKey) *Membership {
	t.Helper()
	port, err := transport.Listen(transport.Config{
		Key: key, Secret: make([]byte, transport.SecretSize), Listen: ":7946", Network: gossiptest.NewNetwork(1).Host("a"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { port.Close() })
	m, err := New(Config{Key: key, Log: log1, Name: "me", Advertise: addr, Transport: port, Root: func() crdt.Hash { return crdt.Hash{} }, MaxPeers: 3})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOnlyTheAuthorAnnouncesItself(t *testing.T) {
	d := &delegate{newMember(t, keyOf(1))}
	good := announce(keyOf(2), log1, addr, 5, "two")
	if err := d.NotifyAlive(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*memberlist.Node){
		"address":       func(n *memberlist.Node) { n.Addr = n.Addr[:3:3] },
		"other address": func(n *memberlist.Node) { n.Addr = netip.MustParseAddr("10.1.2.4").AsSlice() },
		"port":          func(n *memberlist.Node) { n.Port++ },
		"author":        func(n *memberlist.Node) { n.Name = crdt.AuthorOf(keyOf(3)).String() },
		"no author":     func(n *memberlist.Node) { n.Name = "two" },
		"small order":   func(n *memberlist.Node) { n.Name = "01" + strings.Repeat("00", 31) },
		"display name":  func(n *memberlist.Node) { n.Meta[10] ^= 1 },
		"counter":       func(n *memberlist.Node) { n.Meta[8]++ },
		"cut":           func(n *memberlist.Node) { n.Meta = n.Meta[:20] },
		"nothing":       func(n *memberlist.Node) { n.Meta = nil },
		"version":       func(n *memberlist.Node) { n.Meta[0] = 9 },
		"other log":     func(n *memberlist.Node) { *n = *announce(keyOf(2), crdt.LogID{2}, addr, 5, "two") },
	} {
		bad := *good
		bad.Meta = bytes.Clone(good.Meta)
		change(&bad)
		if err := d.NotifyAlive(&bad); !errors.Is(err, errAnnouncement) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := d.m.Counts().BadAnnouncements; n != 12 {
		t.Errorf("%d bad announcements were counted", n)
	}
}

// An older announcement does not take the place of a newer one, until its author has gone: then its
// clock may have been set back.
func TestOlderAnnouncements(t *testing.T) {
	d := &delegate{newMember(t, keyOf(1))}
	older, newer := announce(keyOf(2), log1, addr, 5, "two"), announce(keyOf(2), log1, netip.MustParseAddrPort("10.9.9.9:1"), 6, "two")
	for _, n := range []*memberlist.Node{older, newer, newer} {
		if err := d.NotifyAlive(n); err != nil {
			t.Fatal(err)
		}
		d.NotifyJoin(n)
	}
	if err := d.NotifyAlive(older); !errors.Is(err, errStale) {
		t.Errorf("an older announcement: %v", err)
	}
	if m, _ := d.m.Member(crdt.AuthorOf(keyOf(2))); m.Addr.String() != "10.9.9.9:1" || !m.Alive {
		t.Errorf("the member is %+v", m)
	}
	d.NotifyLeave(newer)
	if m, _ := d.m.Member(crdt.AuthorOf(keyOf(2))); m.Alive {
		t.Error("the member is alive after it went")
	}
	if err := d.NotifyAlive(older); err != nil {
		t.Errorf("an older announcement after its author went: %v", err)
	}
}

// A node whose clock was set back learns its old counter and goes above it.
func TestOwnCounterIsOutbid(t *testing.T) {
	d := &delegate{newMember(t, keyOf(1))}
	ahead := uint64(time.Now().Add(time.Hour).UnixMilli())
	if err := d.NotifyAlive(announce(keyOf(1), log1, addr, ahead, "me")); err != nil {
		t.Fatal(err)
	}
	if got := d.m.announcement().counter; got != ahead+1 {
		t.Errorf("the counter is %d, want %d", got, ahead+1)
	}
	select {
	case <-d.m.table.outbid:
	default:
		t.Error("nobody was told to announce again")
	}
	own := d.m.announcement()
	if err := d.NotifyAlive(announce(keyOf(1), log1, own.addr, own.counter, own.name)); err != nil || d.m.announcement() != own {
		t.Errorf("our own announcement came back: %v, %v", err, d.m.announcement())
	}
}

func TestMembersAreBounded(t *testing.T) {
	d := &delegate{newMember(t, keyOf(1))}
	var refused int
	for i := range byte(10) {
		if err := d.NotifyAlive(announce(keyOf(10+i), log1, addr, 1, "")); err != nil {
			refused++
		}
	}
	if refused != 7 || d.m.Counts().TooMany != 7 {
		t.Errorf("%d of 10 were refused, %d counted, with a limit of 3", refused, d.m.Counts().TooMany)
	}
}
