package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

const (
	// mostLines bounds the different events of one worker, and mostBytes the memory that they take: they are made before
	// anything is measured, and appended in turns.
	mostLines = 64
	mostBytes = 1 << 20
)

// worker makes one call after another.
type worker struct {
	*run
	random *rand.Rand
	lines  [][]byte // of events, each with its newline
	turn   int
	body   []byte // of a call

	mu       sync.Mutex
	measured Span // guarded by mu; not gathered yet
}

func newWorker(r *run) *worker {
	w := &worker{run: r, random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
	if r.Read {
		return w
	}
	for range min(mostLines, max(1, mostBytes/r.Size)) {
		event := crdt.Event{Kind: r.Kind, Payload: w.payload(), Retention: crdt.Trimmable}
		w.lines = append(w.lines, append(event.AppendJSON(nil), '\n'))
	}
	return w
}

// payload returns a JSON text of the size that was asked for, of 64 letters at random.
func (w *worker) payload() []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, w.Size)
	for i := range b {
		b[i] = letters[w.random.IntN(len(letters))]
	}
	b[0], b[len(b)-1] = '"', '"'
	return b
}

func (w *worker) work(ctx context.Context) error {
	switch {
	case w.Read:
		return w.read(ctx)
	case w.Stream:
		return w.stream(ctx)
	}
	return w.append(ctx)
}

// done counts a call.
func (w *worker) done(begun time.Time, entries, bytes int) {
	took := time.Since(begun)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measured.call(took, uint64(entries), uint64(bytes))
}

// give adds what was measured to a span.
func (w *worker) give(to *Span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to.take(&w.measured)
}

// batch returns the lines of n events, until the next one is made.
func (w *worker) batch(n int) []byte {
	w.body = w.body[:0]
	for range n {
		w.body = append(w.body, w.lines[w.turn%len(w.lines)]...)
		w.turn++
	}
	return w.body
}

// append appends with a call for each batch.
func (w *worker) append(ctx context.Context) error {
	for n := w.claim(ctx); n > 0; n = w.claim(ctx) {
		body := bytes.NewReader(w.batch(n))
		begun, acked := time.Now(), 0
		for _, err := range w.client.Append(ctx, body) {
			if err != nil {
				return err
			}
			acked++
		}
		if acked != n {
			return fmt.Errorf("append: %d of %d entries were acked", acked, n)
		}
		w.done(begun, n, n*w.Size)
	}
	return nil
}

// stream appends with one call for all batches.
func (w *worker) stream(ctx context.Context) error {
	n := w.claim(ctx)
	if n == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := &handed{next: make(chan []byte, 1), over: ctx.Done()}
	begun, acked := time.Now(), 0
	lines.next <- w.batch(n)
	for _, err := range w.client.Append(ctx, lines) {
		if err != nil {
			return err
		}
		if acked++; acked < n {
			continue
		}
		w.done(begun, n, n*w.Size)
		if n, acked = w.claim(ctx), 0; n == 0 {
			close(lines.next)
			continue
		}
		body := w.batch(n)
		begun = time.Now()
		lines.next <- body
	}
	if n > 0 {
		return fmt.Errorf("append: the stream ended where %d entries were still to be acked", n-acked)
	}
	return nil
}

// handed reads what it is handed, until next is closed; over is closed when nobody needs it any more.
type handed struct {
	next chan []byte
	over <-chan struct{}
	rest []byte
}

func (h *handed) Read(b []byte) (int, error) {
	for len(h.rest) == 0 {
		select {
		case more, open := <-h.next:
			if !open {
				return 0, io.EOF
			}
			h.rest = more
		case <-h.over:
			return 0, io.EOF
		}
	}
	n := copy(b, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

// read reads from random places.
func (w *worker) read(ctx context.Context) error {
	for n := w.claim(ctx); n > 0; n = w.claim(ctx) {
		from := w.random.Uint64N(max(1, w.next-min(w.next, uint64(n))+1))
		q := api.Query{Order: "arrival", Offset: &from, Limit: n, GoOn: true}
		begun, entries, size := time.Now(), 0, 0
		for line, err := range w.client.Entries(ctx, q) {
			if err != nil {
				return err
			}
			entries++
			size += len(line)
		}
		w.done(begun, entries, size)
	}
	return nil
}
