package gossiptest_test

import (
	"net"
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// A host is a network that package transport takes.
var _ transport.Network = (*gossiptest.Host)(nil)

// listenPacket opens a socket that the test closes.
func listenPacket(t testing.TB, h *gossiptest.Host) net.PacketConn {
	t.Helper()
	s, err := h.ListenPacket(":7946")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// listen opens a listener that the test closes.
func listen(t testing.TB, h *gossiptest.Host) net.Listener {
	t.Helper()
	l, err := h.Listen(":7946")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect dials from one host to a listener and returns both ends.
func connect(t testing.TB, from *gossiptest.Host, l net.Listener) (near, far net.Conn) {
	t.Helper()
	near, err := from.Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// send sends text as a packet.
func send(t testing.TB, from, to net.PacketConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// receiveAll returns the packets that arrive until none has come for d.
func receiveAll(t testing.TB, s net.PacketConn, d time.Duration) []string {
	t.Helper()
	var got []string
	buf := make([]byte, 1500)
	for {
		s.SetReadDeadline(time.Now().Add(d))
		n, _, err := s.ReadFrom(buf)
		if err != nil {
			return got
		}
		got = append(got, string(buf[:n]))
	}
}
