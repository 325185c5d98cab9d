package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/gateway/gatewaytest"
)

// pipes is a listener whose connections are in memory, for a bubble of fake time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// piped runs a test in fake time against a gateway to a handler. When it ends, no goroutine may be left.
func piped(t *testing.T, network http.HandlerFunc, test func(t *testing.T, p *pipes, g *Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		g, err := Listen(t.Context(), Config{Addr: "127.0.0.1:0", Hosts: []string{"node"}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g.listener = p
		srv := g.Server(t.Context(), gatewaytest.Network{Handler: network})
		served := make(chan error, 1)
		go func() { served <- g.Serve(t.Context(), srv) }()
		test(t, p, g)
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// closedAfter waits until the other end closes a connection, of which it reads the rest, and returns how long that took.
func closedAfter(conn net.Conn) (time.Duration, string) {
	began := time.Now()
	b, _ := io.ReadAll(conn) // it ends, by whatever error
	return time.Since(began), string(b)
}

const post = "POST / HTTP/1.1\r\nHost: node\r\nContent-Length: 10\r\n\r\n"

// TestWhoSendsNothingIsLetGo: a connection is given up that sends nothing, half a head, a head that does not end, or a
// part of its body, whether the handler reads that or has refused the call long before.
func TestWhoSendsNothingIsLetGo(t *testing.T) {
	var ended chan error // of the bubble
	reads := func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	}
	refuses := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	for name, c := range map[string]struct {
		network http.HandlerFunc
		sends   string
		most    time.Duration
	}{
		"nothing":                {reads, "", headFor},
		"half a head":            {reads, "GET / HTTP/1.1\r\nHost: node\r\n", headFor},
		"a part of a body":       {reads, post + "x", bodyFor + headFor},
		"a body that is refused": {refuses, post + "x", bodyFor + headFor},
		"no body that is refused": {refuses, "POST / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n",
			bodyFor + headFor},
		"one call and no other": {refuses, "GET / HTTP/1.1\r\nHost: node\r\n\r\n", idleFor},
	} {
		t.Run(name, func(t *testing.T) {
			piped(t, c.network, func(t *testing.T, p *pipes, _ *Gateway) {
				ended = make(chan error, 1)
				conn := p.dial()
				defer conn.Close()
				go func() { _, _ = io.WriteString(conn, c.sends) }() // which the other end may not take
				if took, _ := closedAfter(conn); took > c.most {
					t.Errorf("let go after %s, want at most %s", took, c.most)
				}
				if strings.HasSuffix(name, "of a body") {
					if err := <-ended; err == nil {
						t.Error("the handler took half a body for a whole one")
					}
				}
			})
		})
	}
}

// TestAHeadWithoutEnd: a head that goes on and on is refused at its bound, and not read further.
func TestAHeadWithoutEnd(t *testing.T) {
	piped(t, func(http.ResponseWriter, *http.Request) { t.Error("it was served") }, func(t *testing.T, p *pipes, _ *Gateway) {
		conn := p.dial()
		defer conn.Close()
		sent := 0
		go func() {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: node\r\n")
			for {
				n, err := io.WriteString(conn, "X: "+strings.Repeat("x", 1000)+"\r\n")
				if sent += n; err != nil {
					return
				}
			}
		}()
		took, answer := closedAfter(conn)
		synctest.Wait()
		if took > headFor || !strings.HasPrefix(answer, "HTTP/1.1 431") || sent > 4*maxHead {
			t.Errorf("after %s and %d bytes: %.40q", took, sent, answer)
		}
	})
}

// TestWhoDoesNotReadIsLetGo: a client that stops reading an answer ends its call, and holds up no other.
func TestWhoDoesNotReadIsLetGo(t *testing.T) {
	var ended chan time.Duration // of the bubble
	network := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			_, _ = io.WriteString(w, "done")
			return
		}
		began := time.Now()
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				ended <- time.Since(began)
				return
			}
		}
	}
	piped(t, network, func(t *testing.T, p *pipes, _ *Gateway) {
		ended = make(chan time.Duration, 1)
		stuck := p.dial()
		defer stuck.Close()
		if _, err := io.WriteString(stuck, "GET /stuck HTTP/1.1\r\nHost: node\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		other := p.dial()
		defer other.Close()
		if _, err := io.WriteString(other, "GET /other HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if took, answer := closedAfter(other); took != 0 || !strings.HasSuffix(answer, "done") {
			t.Errorf("the other call took %s: %q", took, answer)
		}
		if took := <-ended; took != writeFor {
			t.Errorf("the call of who does not read ended after %s, want %s", took, writeFor)
		}
	})
}

// TestWhoReadsIsServedForLong: a stream with long pauses, and one that is read slowly, are none that do not read.
func TestWhoReadsIsServedForLong(t *testing.T) {
	const lines = 20
	network := func(w http.ResponseWriter, r *http.Request) {
		for i := range lines {
			if _, err := fmt.Fprintf(w, "%d %s\n", i, strings.Repeat("x", 2*writePart)); err != nil {
				t.Errorf("line %d: %v", i, err)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("line %d: %v", i, err)
			}
			time.Sleep(time.Hour)
			if r.Context().Err() != nil {
				t.Errorf("line %d: the call has ended", i)
			}
		}
	}
	piped(t, network, func(t *testing.T, p *pipes, _ *Gateway) {
		conn := p.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 4096), nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for b := make([]byte, writePart/8); ; n++ {
			if _, err := io.ReadFull(resp.Body, b); err != nil {
				break
			}
			time.Sleep(writeFor / 20) // some 3 KiB a second
		}
		if n != 16*lines {
			t.Errorf("%d parts of the answer were read, want %d", n, 16*lines)
		}
	})
}

// TestADeadlineOfTheHandlerCounts: what ends a call at once is not put off by the next write.
func TestADeadlineOfTheHandlerCounts(t *testing.T) {
	network := func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if err := http.NewResponseController(w).SetWriteDeadline(began.Add(time.Second)); err != nil {
			t.Error(err)
		}
		_, err := w.Write(make([]byte, 1<<20))
		if took := time.Since(began); err == nil || took != time.Second {
			t.Errorf("written after %s: %v", took, err)
		}
	}
	piped(t, network, func(t *testing.T, p *pipes, _ *Gateway) {
		conn := p.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: node\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	})
}

// TestAFullGatewaySaysSo: where each connection has a call, who comes new is told to come again, and is served once one of
// them is over.
func TestAFullGatewaySaysSo(t *testing.T) {
	var g *Gateway
	var over chan struct{} // of the bubble
	network := func(w http.ResponseWriter, r *http.Request) {
		stay := g.crowd.enter(r.Context().Value(memberKey{}).(*member))
		defer stay()
		if r.URL.Path == "/tail" {
			<-over
		}
		_, _ = io.WriteString(w, "served")
	}
	piped(t, network, func(t *testing.T, p *pipes, opened *Gateway) {
		g, over = opened, make(chan struct{})
		g.crowd.most = 2
		ask := func(path, more string) net.Conn {
			conn := p.dial()
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: node\r\n"+more+"\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return conn
		}
		tails := []net.Conn{ask("/tail", "Connection: close\r\n"), ask("/tail", "Connection: close\r\n")}
		for range 2 * maxRefused {
			took, answer := closedAfter(ask("/new", ""))
			if took != 0 || !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "Retry-After: 1\r\n") || !strings.Contains(answer, `"code":"busy"`) {
				t.Fatalf("who comes new: %q after %s", answer, took)
			}
		}
		var silent []net.Conn
		for range 2 * maxRefused {
			silent = append(silent, p.dial())
			synctest.Wait()
		}
		g.crowd.mu.Lock()
		n := len(g.crowd.members) + len(g.crowd.refused)
		g.crowd.mu.Unlock()
		if n != g.crowd.most+maxRefused {
			t.Errorf("%d connections are open, want %d", n, g.crowd.most+maxRefused)
		}
		for _, conn := range silent {
			if took, _ := closedAfter(conn); took > headFor {
				t.Errorf("one that says nothing was let go after %s", took)
			}
		}
		close(over)
		for _, conn := range tails {
			if _, answer := closedAfter(conn); !strings.HasSuffix(answer, "served") {
				t.Errorf("who was there: %q", answer)
			}
		}
		if _, answer := closedAfter(ask("/new", "Connection: close\r\n")); !strings.HasSuffix(answer, "served") {
			t.Errorf("who comes when there is room: %q", answer)
		}
	})
}

// TestConnectionsLeaveFilesToOthers: however few files a process may open, the node has half of them at least, or as many as
// it needs.
func TestConnectionsLeaveFilesToOthers(t *testing.T) {
	for files, want := range map[uint64]int{0: 0, 2: 1, 256: 128, 1024: 512, 2048: 1536, maxConns + keptFiles: maxConns, 1 << 20: maxConns, math.MaxUint64: maxConns} {
		if got := connsFor(files); got != want {
			t.Errorf("of %d files %d are for connections, want %d", files, got, want)
		}
	}
}

// TestACrowdTakesNobodysRoom: of more connections than may be, those end that have had no call for longest; one in which
// a call of a token is under way stays, and who comes new is served.
func TestACrowdTakesNobodysRoom(t *testing.T) {
	const most = 8
	var g *Gateway
	var over chan struct{} // of the bubble
	network := func(w http.ResponseWriter, r *http.Request) {
		stay := g.crowd.enter(r.Context().Value(memberKey{}).(*member))
		defer stay()
		if r.URL.Path == "/tail" {
			<-over
		}
		_, _ = io.WriteString(w, "served")
	}
	piped(t, network, func(t *testing.T, p *pipes, opened *Gateway) {
		g, over = opened, make(chan struct{})
		g.crowd.most = most
		ask := func(path string) net.Conn {
			conn := p.dial()
			if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return conn
		}
		tail := ask("/tail")
		var crowd []net.Conn
		for range 10 * most {
			crowd = append(crowd, p.dial())
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		if n := len(g.crowd.members); n != most {
			t.Errorf("%d connections are open, want %d", n, most)
		}
		if took, answer := closedAfter(ask("/new")); took != 0 || !strings.HasSuffix(answer, "served") {
			t.Errorf("who comes new: %q after %s", answer, took)
		}
		close(over)
		if _, answer := closedAfter(tail); !strings.HasSuffix(answer, "served") {
			t.Errorf("who was there: %q", answer)
		}
		for _, conn := range crowd {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if n := len(g.crowd.members); n != 0 {
			t.Errorf("%d connections are remembered that are closed", n)
		}
	})
}
