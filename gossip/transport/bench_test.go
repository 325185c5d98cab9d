package transport_test

import (
	"context"
	"io"
	"testing"

	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// benchPair starts two transports, on loopback or in memory.
func benchPair(b *testing.B, memory bool) (from, to *transport.Transport) {
	b.Helper()
	var g ground
	if memory {
		g.memory = gossiptest.NewNetwork(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	var both []*transport.Transport
	for _, name := range []string{"a", "b"} {
		t, err := transport.Listen(g.config(name))
		if err != nil {
			b.Fatal(err)
		}
		go t.Run(ctx)
		both = append(both, t)
	}
	return both[0], both[1]
}

// benchConnect opens a stream and returns both ends.
func benchConnect(b *testing.B, from, to *transport.Transport) (near, far *transport.Conn) {
	near, err := from.Dial(b.Context(), to.Addr().String(), transport.Sync, to.Self())
	if err != nil {
		b.Fatal(err)
	}
	if far, err = to.Accept(b.Context(), transport.Sync); err != nil {
		b.Fatal(err)
	}
	return near, far
}

// BenchmarkConnect opens and closes a stream: both ends' work, on loopback.
func BenchmarkConnect(b *testing.B) {
	from, to := benchPair(b, false)
	for b.Loop() {
		near, far := benchConnect(b, from, to)
		near.Close()
		far.Close()
	}
}

// BenchmarkStream sends 64 KiB at a time.
func BenchmarkStream(b *testing.B) {
	for name, memory := range map[string]bool{"loopback": false, "memory": true} {
		b.Run(name, func(b *testing.B) {
			from, to := benchPair(b, memory)
			near, far := benchConnect(b, from, to)
			chunk := make([]byte, 64<<10)
			b.SetBytes(int64(len(chunk)))
			go io.Copy(io.Discard, far)
			for b.Loop() {
				if _, err := near.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
			near.Close()
		})
	}
}
