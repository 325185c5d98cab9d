package monitoring

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// strangersCall has peers that know the secret say what they may not, and others call who know nothing.
func strangersCall(t *testing.T, watch watch) {
	a := newNode(t, "a", "")
	log, err := crdt.ParseLogID(a.Log)
	if err != nil {
		t.Fatal(err)
	}
	p := watch(a)
	secret := make([]byte, transport.SecretSize) // that of package daemon
	hello := wire.Hello{Version: wire.Version, Log: log, Name: "stranger"}

	waits := newStranger(t, secret)
	op, err := crdt.NewOp(waits.key, crdt.Header{Log: log, First: 100, Prev: crdt.OpID{1}, Clock: 1}, time.Now(), crdt.Event{Kind: "note"})
	if err != nil {
		t.Fatal(err)
	}
	waits.says(a, wire.Append(nil, hello), wire.Append(nil, wire.Ops{Author: op.Author, Run: crdt.Run{Ops: []crdt.Op{op}}}))
	p.fires("QuipuPending", "a", true)

	newStranger(t, secret).says(a, wire.Append(nil, hello), []byte{0, 0, 0, 0, 99})
	p.fires("QuipuBadPeer", "a", true)

	other := hello
	other.Log[0]++
	newStranger(t, secret).says(a, wire.Append(nil, other))
	p.fires("QuipuNotUnderstood", "a", true)

	for range 5 {
		newStranger(t, secret).says(a).Close()
	}
	p.fires("QuipuLinksBreak", "a", true)

	guesser := newStranger(t, bytes.Repeat([]byte{1}, transport.SecretSize))
	for range 11 {
		if _, err := guesser.port.Dial(t.Context(), a.Addr, transport.Sync, crdt.Author{}); err == nil {
			t.Fatal("a secret that is not the node's was taken")
		}
	}
	p.fires("QuipuNotAdmitted", "a", true)

	for range 200 {
		answer, err := a.begin(t.Context(), http.MethodGet, "/v1/status", "quipu_wrong", "")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	p.fires("QuipuTokensRefused", "a", true)
}

// stranger is a peer that a test plays by hand.
type stranger struct {
	t    *testing.T
	key  ed25519.PrivateKey
	port *transport.Transport
}

func newStranger(t *testing.T, secret []byte) stranger {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	port, err := transport.NewDialer(transport.Config{Key: key, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return stranger{t, key, port}
}

// says opens a stream to a node and writes to it.
func (s stranger) says(n *node, frames ...[]byte) *transport.Conn {
	s.t.Helper()
	conn, err := s.port.Dial(s.t.Context(), n.Addr, transport.Sync, crdt.Author{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	for _, f := range frames {
		if _, err := conn.Write(f); err != nil {
			s.t.Fatal(err)
		}
	}
	return conn
}
