package node_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/gateway"
)

// asked is a node that is asked over loopback, with a token.
type asked struct {
	*running
	host, secret string
	event        crdt.Event
	line         []byte // the event's JSON form
}

func runAsked(b *testing.B) asked {
	b.Helper()
	dir, _ := newNode(b, crdt.LogID{})
	secret, _, err := access.New(dir).Create(api.TokenRequest{Name: "till", Scopes: []api.Scope{api.ScopeAppend, api.ScopeRead}})
	if err != nil {
		b.Fatal(err)
	}
	n := run(b, node.Config{Dir: dir, HTTP: gateway.Config{Addr: "127.0.0.1:0"}})
	a := asked{running: n, host: strings.TrimPrefix(n.URL(), "http://"), secret: secret}
	a.event = crdt.Event{Kind: "k", Payload: []byte(`"` + strings.Repeat("x", 254) + `"`)}
	if a.line, err = a.event.MarshalJSON(); err != nil {
		b.Fatal(err)
	}
	return a
}

// head returns the head of a request up to the fields of its body.
func (a asked) head(request string) string {
	return fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", request, a.host, a.secret)
}

// follow opens a tail of server-sent events from the present end on, with a connection of its own, and returns its lines once
// the head of the answer is there.
func (a asked) follow(b *testing.B) *bufio.Reader {
	b.Helper()
	conn, err := net.Dial("tcp", a.host)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, a.head("GET /v1/tail")+"Accept: text/event-stream\r\n\r\n"); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReaderSize(conn, 1<<10)
	status, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(status, " 200 ") {
		b.Fatal(status, err)
	}
	for line := ""; line != "\r\n"; {
		if line, err = lines.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	return lines
}

// BenchmarkAppendOverHTTP appends entries of 256 bytes one a call, by so many clients that each keep a connection and know
// the bytes of their request beforehand, and beside it by as many callers of the library.
func BenchmarkAppendOverHTTP(b *testing.B) {
	a := runAsked(b)
	request := fmt.Appendf(nil, "%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", a.head("POST /v1/entries"), len(a.line), a.line)
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("http/%d", clients), func(b *testing.B) {
			together(b, clients, func() func() error {
				conn, err := net.Dial("tcp", a.host)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { conn.Close() })
				answers := bufio.NewReader(conn)
				return func() error {
					if _, err := conn.Write(request); err != nil {
						return err
					}
					resp, err := http.ReadResponse(answers, nil)
					if err != nil {
						return err
					}
					if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
						return fmt.Errorf("%s, %w", resp.Status, err)
					}
					return nil
				}
			})
		})
		b.Run(fmt.Sprintf("library/%d", clients), func(b *testing.B) {
			together(b, clients, func() func() error {
				return func() error {
					_, err := a.Log().Append(b.Context(), a.event)
					return err
				}
			})
		})
	}
}

// together makes b.N calls by so many callers, each with a call of its own.
func together(b *testing.B, callers int, caller func() func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	calls := make([]func() error, callers)
	for i := range calls {
		calls[i] = caller()
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkLinesOverHTTP appends 100,000 entries of 256 bytes in lines of one call, and reads them in lines of another.
func BenchmarkLinesOverHTTP(b *testing.B) {
	a := runAsked(b)
	const entries = 100_000
	lines := bytes.Repeat(append(a.line, '\n'), entries)
	call := func(b *testing.B, method, path string, body io.Reader) {
		b.Helper()
		r, err := http.NewRequestWithContext(b.Context(), method, a.URL()+path, body)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+a.secret)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		bytes, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, err)
		}
		b.SetBytes(max(bytes, int64(len(lines))))
	}
	b.Run("in", func(b *testing.B) {
		for b.Loop() {
			call(b, http.MethodPost, "/v1/entries", bytes.NewReader(lines))
		}
	})
	b.Run("out", func(b *testing.B) {
		for b.Loop() {
			call(b, http.MethodGet, "/v1/entries?limit=100000", nil)
		}
	})
}

// BenchmarkEventsOverHTTP appends entries one after the other and measures how long after its commit each is read from a tail
// of server-sent events: alone, and beside a tail that nobody reads.
func BenchmarkEventsOverHTTP(b *testing.B) {
	for _, slow := range []int{0, 1} {
		b.Run(map[int]string{0: "alone", 1: "beside one that is not read"}[slow], func(b *testing.B) {
			a := runAsked(b)
			for range slow {
				a.follow(b)
			}
			events := a.follow(b)
			var took []time.Duration
			for b.Loop() {
				if _, err := a.Log().Append(b.Context(), a.event); err != nil {
					b.Fatal(err)
				}
				committed := time.Now()
				for line := []byte(nil); !bytes.HasPrefix(line, []byte("data:")); {
					var err error
					if line, err = events.ReadSlice('\n'); err != nil {
						b.Fatal(err)
					}
				}
				took = append(took, time.Since(committed))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkIdleEventsOverHTTP holds 1,000 tails of server-sent events open, and measures what each takes up in memory: the
// node's part and, being in the same process, the client's 1 KiB.
func BenchmarkIdleEventsOverHTTP(b *testing.B) {
	const clients = 1000
	a := runAsked(b)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := memory()
	for range clients {
		a.follow(b)
	}
	took := memory() - before
	b.ReportMetric(float64(took)/clients, "B/client")
	b.ReportMetric(0, "ns/op")
}
