package gossiptest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/gossip/gossiptest"
)

// Streams behave as net.Conn promises, in real time.
func TestStreamConforms(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		n := gossiptest.NewNetwork(1)
		l := listen(t, n.Host("b"))
		c1, c2 = connect(t, n.Host("a"), l)
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

// Whatever the delays, blocks and sizes, what is read is what was written.
func TestStreamKeepsBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		writes := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 20).Draw(rt, "writes")
		blocks := rapid.SliceOfN(rapid.Bool(), len(writes), len(writes)).Draw(rt, "blocks")
		most := time.Duration(rapid.IntRange(0, 20).Draw(rt, "delay")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			n := gossiptest.NewNetwork(1)
			n.SetDelay(0, most)
			near, far := connect(t, n.Host("a"), listen(t, n.Host("b")))
			go func() {
				for i, b := range writes {
					if blocks[i] {
						n.Block("a", "b")
						time.AfterFunc(time.Second, n.Heal)
					}
					near.Write(b)
				}
				near.Close()
			}()
			got, err := io.ReadAll(far)
			if err != nil {
				t.Error(err)
			}
			if want := bytes.Join(writes, nil); !bytes.Equal(got, want) {
				t.Errorf("read %x, written %x", got, want)
			}
		})
	})
}

func TestStreamDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		n.SetDelay(20*time.Millisecond, 20*time.Millisecond)
		l := listen(t, n.Host("b"))
		start := time.Now()
		near, far := connect(t, n.Host("a"), l)
		if got := time.Since(start); got != 40*time.Millisecond {
			t.Errorf("dialling took %s, want a round trip of 40 ms", got)
		}
		start = time.Now()
		near.Write([]byte("x"))
		if _, err := far.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 20*time.Millisecond {
			t.Errorf("a byte took %s, want 20 ms", got)
		}
		if got := n.Traffic("a", "b"); got != (gossiptest.Traffic{StreamBytes: 1, Dials: 1}) {
			t.Errorf("traffic %+v", got)
		}
	})
}

// A writer waits when nobody reads, and goes on when somebody does.
func TestStreamWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		near, far := connect(t, n.Host("a"), listen(t, n.Host("b")))
		near.SetWriteDeadline(time.Now().Add(time.Second))
		written := 0
		for {
			n, err := near.Write(make([]byte, 64<<10))
			written += n
			if err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
				break
			}
		}
		if written != 1<<20 {
			t.Errorf("%d bytes written without a reader, want 1 MiB", written)
		}
		near.SetWriteDeadline(time.Time{})
		go near.Write([]byte("the last"))
		got := make([]byte, 1<<20+8)
		if _, err := io.ReadFull(far, got); err != nil || string(got[1<<20:]) != "the last" {
			t.Errorf("read %q, %v", got[1<<20:], err)
		}
	})
}

func TestBlockedStreamStalls(t *testing.T) {
	for _, way := range []struct{ from, to string }{{"a", "b"}, {"b", "a"}} {
		synctest.Test(t, func(t *testing.T) {
			n := gossiptest.NewNetwork(1)
			l := listen(t, n.Host("b"))
			near, far := connect(t, n.Host("a"), l)
			ends := map[string]net.Conn{"a": near, "b": far}
			n.Block(way.from, way.to)

			ends[way.from].Write([]byte("stalled"))
			ends[way.from].Close()
			r := ends[way.to]
			r.SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := r.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read over a blocked link: %v", err)
			}
			r.SetReadDeadline(time.Time{})
			if _, err := r.Write([]byte("x")); err != nil {
				t.Errorf("a close was noticed over a blocked link: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := n.Host("a").Dial(ctx, "b:7946"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("dial over a blocked link: %v", err)
			}

			time.AfterFunc(time.Minute, n.Heal)
			if got, err := io.ReadAll(r); err != nil || string(got) != "stalled" {
				t.Errorf("after healing read %q, %v", got, err)
			}
		})
	}
}

func TestDialWaitsForHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		l := listen(t, n.Host("b"))
		n.Host("a")
		n.Partition([]string{"a"}, []string{"b"})
		time.AfterFunc(time.Second, n.Heal)
		start := time.Now()
		connect(t, n.Host("a"), l)
		if got := time.Since(start); got != time.Second {
			t.Errorf("dialling took %s, want 1 s", got)
		}
	})
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		l := listen(t, n.Host("b"))
		near, far := connect(t, n.Host("a"), l)
		other, otherFar := connect(t, n.Host("c"), l)
		time.AfterFunc(time.Second, func() { n.Cut("b", "a") })
		for name, c := range map[string]net.Conn{"near": near, "far": far} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read at the %s end: %v, want a reset", name, err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("write at the %s end: %v, want a reset", name, err)
			}
			if err := c.Close(); err != nil {
				t.Errorf("close of the %s end: %v", name, err)
			}
			if err := c.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("second close of the %s end: %v", name, err)
			}
		}
		other.Write([]byte("x"))
		if _, err := otherFar.Read(make([]byte, 1)); err != nil {
			t.Errorf("another pair's stream: %v", err)
		}
		connect(t, n.Host("a"), l)
	})
}

func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		a, b := n.Host("a"), n.Host("b")
		l, s := listen(t, b), listenPacket(t, b)
		near, far := connect(t, a, l)
		waiting, err := a.Dial(t.Context(), "b:7946") // never accepted
		if err != nil {
			t.Fatal(err)
		}
		far.Write([]byte("x"))
		n.Crash("b")
		if got, err := io.ReadAll(near); string(got) != "x" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer read %q, %v; want x and a reset", got, err)
		}
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer of a stream that waits to be accepted: %v", err)
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own stream: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own listener: %v", err)
		}
		if _, _, err := s.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own socket: %v", err)
		}
		if _, err := a.Dial(t.Context(), "b:7946"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v, want refused", err)
		}
		connect(t, a, listen(t, b)) // The host starts again.
	})
}

func TestDialErrors(t *testing.T) {
	n := gossiptest.NewNetwork(1)
	a := n.Host("a")
	for address, want := range map[string]string{
		"a:1":         "dial tcp a:1: connect: connection refused",
		"nobody:1":    "dial tcp nobody:1: no such host on this network",
		"10.0.0.9:1":  "dial tcp 10.0.0.9:1: no such host on this network",
		"a":           "dial tcp a: address a: missing port in address",
		"a:123456789": `dial tcp a:123456789: strconv.ParseUint: parsing "123456789": value out of range`,
	} {
		if _, err := a.Dial(t.Context(), address); err == nil || err.Error() != want {
			t.Errorf("dial %s: %v, want %s", address, err, want)
		}
	}
}

// Who dials a listener whose queue is full is not answered, and asks again after a second.
func TestFullListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := gossiptest.NewNetwork(1)
		l := listen(t, n.Host("b"))
		start := time.Now()
		for range 128 {
			if _, err := n.Host("a").Dial(t.Context(), "b:7946"); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(time.Millisecond, func() { l.Accept() })
		if _, err := n.Host("a").Dial(t.Context(), "b:7946"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("dialling took %s, want 1 s", took)
		}
	})
}

func TestClosedListenerResetsItsQueue(t *testing.T) {
	n := gossiptest.NewNetwork(1)
	l := listen(t, n.Host("b"))
	near, err := n.Host("a").Dial(t.Context(), "b:7946")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	near.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v, want a reset", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}
