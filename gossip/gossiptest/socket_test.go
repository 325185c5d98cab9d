package gossiptest_test

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/gossip/gossiptest"
)

func TestPacketNamesItsSender(t *testing.T) {
	n := gossiptest.NewNetwork(1)
	a, b := listenPacket(t, n.Host("a")), listenPacket(t, n.Host("b"))
	send(t, a, b, "hello")

	buf := make([]byte, 4)
	size, from, err := b.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(buf[:size]), "hell"; got != want {
		t.Errorf("packet %q, want %q cut to the buffer", got, want)
	}
	if got, want := from.String(), "10.0.0.1:7946"; got != want {
		t.Errorf("from %s, want %s", got, want)
	}
}

func TestPacketIsCopied(t *testing.T) {
	n := gossiptest.NewNetwork(1)
	a, b := listenPacket(t, n.Host("a")), listenPacket(t, n.Host("b"))
	text := []byte("before")
	if _, err := a.WriteTo(text, b.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	copy(text, "after!")
	if got := receiveAll(t, b, time.Millisecond); !slices.Equal(got, []string{"before"}) {
		t.Errorf("got %q", got)
	}
}

// fates sends 1,000 packets over a lossy, doubling link and returns what arrived.
func fates(t *testing.T, seed uint64) []string {
	var got []string
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(seed)
		n.SetLoss(0.25)
		n.SetDuplication(0.5)
		a, b := listenPacket(t, n.Host("a")), listenPacket(t, n.Host("b"))
		for i := range 1000 {
			send(t, a, b, strconv.Itoa(i))
		}
		got = receiveAll(t, b, time.Second)
		traffic := n.Traffic("a", "b")
		if distinct := uint64(len(slices.Compact(slices.Clone(got)))); traffic.Lost+distinct != 1000 {
			t.Errorf("%d lost and %d arrived of 1000", traffic.Lost, distinct)
		}
		if traffic.Packets != 1000 || traffic.PacketBytes != 2890 {
			t.Errorf("traffic %+v, want 1000 packets of 2890 bytes", traffic)
		}
	})
	return got
}

func TestSeedDecidesFates(t *testing.T) {
	first := fates(t, 7)
	if diff := cmp.Diff(first, fates(t, 7)); diff != "" {
		t.Errorf("one seed, two outcomes (-first +second):\n%s", diff)
	}
	if slices.Equal(first, fates(t, 8)) {
		t.Error("two seeds, one outcome")
	}
	// 750 arrive, half of them twice.
	if len(first) < 1000 || len(first) > 1250 {
		t.Errorf("%d packets arrived, want about 1125", len(first))
	}
}

func TestDelayReordersPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		n.SetDelay(10*time.Millisecond, 50*time.Millisecond)
		a, b := listenPacket(t, n.Host("a")), listenPacket(t, n.Host("b"))
		var sent []string
		for i := range 100 {
			sent = append(sent, strconv.Itoa(100+i))
			send(t, a, b, sent[i])
		}
		if got := receiveAll(t, b, 9*time.Millisecond); len(got) > 0 {
			t.Errorf("%q arrived within 9 ms", got)
		}
		got := receiveAll(t, b, 41*time.Millisecond)
		if slices.Equal(got, sent) {
			t.Error("no packet overtook another")
		}
		slices.Sort(got)
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("packets (-sent +got):\n%s", diff)
		}
	})
}

func TestBlockedLinkDropsPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		n.SetDelay(10*time.Millisecond, 10*time.Millisecond)
		a, b := listenPacket(t, n.Host("a")), listenPacket(t, n.Host("b"))
		send(t, a, b, "under way when the link is blocked")
		n.Block("a", "b")
		send(t, a, b, "sent while it is blocked")
		send(t, b, a, "the other way")
		if got := receiveAll(t, b, time.Minute); len(got) > 0 {
			t.Errorf("%q passed a blocked link", got)
		}
		if got := receiveAll(t, a, time.Minute); len(got) != 1 {
			t.Errorf("%q came the other way", got)
		}
		n.Heal()
		send(t, a, b, "sent after it healed")
		if got := receiveAll(t, b, time.Minute); !slices.Equal(got, []string{"sent after it healed"}) {
			t.Errorf("%q came after it healed", got)
		}
		if got := n.Traffic("a", "b").Lost; got != 2 {
			t.Errorf("%d counted as lost, want 2", got)
		}
	})
}

func TestPartitionGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		names := []string{"a", "b", "c", "d"}
		sockets := map[string]net.PacketConn{}
		for _, name := range names {
			sockets[name] = listenPacket(t, n.Host(name))
		}
		n.Partition([]string{"a", "b"}) // c and d are together in the other
		side := map[string]string{"a": "ab", "b": "ab", "c": "cd", "d": "cd"}
		for _, from := range names {
			for _, to := range names {
				send(t, sockets[from], sockets[to], from)
			}
		}
		for _, to := range names {
			got := receiveAll(t, sockets[to], time.Second)
			if want := []string{side[to][:1], side[to][1:]}; !slices.Equal(got, want) {
				t.Errorf("%s heard %q, want %q", to, got, want)
			}
		}
	})
}

func TestSocketErrors(t *testing.T) {
	n := gossiptest.NewNetwork(1)
	a := n.Host("a")
	s := listenPacket(t, a)
	if _, err := a.ListenPacket("a:7946"); err == nil || err.Error() != "listen udp a:7946: bind: address already in use" {
		t.Errorf("second socket on a port: %v", err)
	}
	if _, err := a.ListenPacket("10.0.0.2:7946"); err == nil {
		t.Error("a socket on another host's address")
	}
	if _, err := s.WriteTo(make([]byte, 70000), s.LocalAddr()); err == nil {
		t.Error("a packet larger than packets can be")
	}
	s.Close()
	if _, _, err := s.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read from a closed socket: %v", err)
	}
	if _, err := s.WriteTo(nil, s.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to a closed socket: %v", err)
	}
	listenPacket(t, a) // The port is free again.
}
