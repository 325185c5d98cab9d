package folder_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/folder"
)

// now is the present of these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// peer returns the n-th peer, seen ago before now.
func peer(n int, ago time.Duration, addrs ...string) folder.Peer {
	seed := bytes.Repeat([]byte{byte(n), byte(n >> 8)}, ed25519.SeedSize/2)
	return folder.Peer{Author: crdt.AuthorOf(ed25519.NewKeyFromSeed(seed)), Name: fmt.Sprint("n", n), Addrs: addrs, LastSeen: now.Add(-ago)}
}

func TestPeersRoundTrip(t *testing.T) {
	f := folder.Folder(t.TempDir())
	if peers, err := f.ReadPeers(now); err != nil || peers != nil {
		t.Fatalf("without a file: %v, %v", peers, err)
	}
	a := peer(1, time.Hour, "10.0.0.1:7946", "[2001:db8::1]:7946")
	a.EqualOffset, a.Incarnation = 17, "00ff"
	b := peer(2, time.Minute, "10.0.0.2:7946")
	if err := f.WritePeers([]folder.Peer{a, b}, now); err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadPeers(now)
	if diff := cmp.Diff([]folder.Peer{b, a}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if stat, err := os.Stat(f.Peers()); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", stat.Mode(), err)
	}
	if err := f.WritePeers(nil, now); err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadPeers(now); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// What was not seen for long, cannot be dialled or is too much is not remembered.
func TestPeersAreBounded(t *testing.T) {
	f := folder.Folder(t.TempDir())
	keep := peer(1, folder.PeerLife, "nowhere", "10.0.0.1:1", "10.0.0.1:0", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1")
	if err := f.WritePeers([]folder.Peer{peer(2, folder.PeerLife+time.Second, "10.0.0.1:1"), keep, peer(3, 0, "name:1"), peer(1, 2*folder.PeerLife, "10.0.0.9:1")}, now); err != nil {
		t.Fatal(err)
	}
	keep.Addrs = []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"}
	got, err := f.ReadPeers(now)
	if diff := cmp.Diff([]folder.Peer{keep}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := f.ReadPeers(now.Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("an hour later: %v, %v", got, err)
	}
	var many []folder.Peer
	for i := range 2 * folder.MaxPeers {
		many = append(many, peer(i, time.Duration(i)*time.Second, "10.0.0.1:1"))
	}
	if err := f.WritePeers(many, now); err != nil {
		t.Fatal(err)
	}
	got, err = f.ReadPeers(now)
	if diff := cmp.Diff(many[:folder.MaxPeers], got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A file that makes no sense is named with what is wrong, and can be set aside. What a later version may
// add to a peer does no harm.
func TestBrokenPeers(t *testing.T) {
	f := folder.Folder(t.TempDir())
	for text, want := range map[string]string{
		"":                            "is empty",
		`{"version":1,"peers":[{"aut`: "unexpected end",
		`{"version":2,"peers":[]}`:    "expected version 1, got 2",
		`[]`:                          "cannot unmarshal",
		`{"version":1,"peers":[{"author":"zz"}]}`: "author",
		strings.Repeat(" ", 1<<20) + "{}":         "more than 1048576 bytes",
	} {
		write(t, f.Peers(), text)
		_, err := f.ReadPeers(now)
		if !errors.Is(err, folder.ErrPeers) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), f.Peers()) {
			t.Errorf("%.40q: error %v, want one with %q", text, err, want)
		}
	}
	aside, err := f.SetPeersAside()
	if err != nil || aside != f.Peers()+".broken" {
		t.Errorf("%q, %v", aside, err)
	}
	if peers, err := f.ReadPeers(now); err != nil || peers != nil {
		t.Errorf("afterwards: %v, %v", peers, err)
	}
	p := peer(1, 0, "10.0.0.1:1")
	write(t, f.Peers(), fmt.Sprintf(`{"version":1,"more":1,"peers":[{"author":"%s","name":"n1","addrs":["10.0.0.1:1"],"lastSeen":"2026-03-01T12:00:00Z","mood":"good"}]}`, p.Author))
	got, err := f.ReadPeers(now)
	if diff := cmp.Diff([]folder.Peer{p}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
