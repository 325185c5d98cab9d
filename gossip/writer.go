package gossip

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/answer"
	"github.com/quipulog/quipu/gossip/wallclock"
	"github.com/quipulog/quipu/gossip/wire"
)

// writer writes a link: what is in the outbox first, then answers and news in turn, and transient events
// when there is nothing else.
type writer struct {
	g      *Gossip
	l      *link
	ans    answer.Queue
	packer *wire.Packer
	flow   outflow
	turn   bool          // whose turn it is: true for the news
	shut   []crdt.Author // as the peer was last told
	told   []Condition   // as well
	ahead  []byte        // a frame that goes out with the next one
	buf    []byte        // of the frame being written

	introduced bool // the peer was told what it is told once
}

// writeCounts is what the writers of all links have sent.
type writeCounts struct {
	bytes, packed           atomic.Uint64 // of frames; what compressing saved of them
	runs, ops, payload      atomic.Uint64 // payload in bytes
	pushed, announced       atomic.Uint64 // of the runs, those of the news; the heads of others
	offers, probes, vectors atomic.Uint64
	unread                  atomic.Uint64 // runs that could not be read
}

func newWriter(g *Gossip, l *link) *writer {
	w := &writer{g: g, l: l}
	w.ans = answer.Queue{Log: g.log, Led: l.news.Answered, Most: w.flow.most}
	if l.both(wire.FeatureZstd) {
		w.packer = new(wire.Packer)
	}
	return w
}

// run writes until ctx ends or the stream breaks. It returns nil in the first case.
func (w *writer) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		busy, err := w.step(ctx)
		if err != nil {
			return err
		}
		if busy {
			continue
		}
		more, due := w.l.news.Waiting(time.Now())
		var dues <-chan time.Time
		if due > 0 {
			timer.Reset(due)
			dues = timer.C
		}
		select {
		case <-ctx.Done():
		case <-w.l.out.wake:
		case <-more:
		case <-dues:
		}
	}
	return nil
}

// step writes what is most urgent and reports whether there was anything.
func (w *writer) step(ctx context.Context) (busy bool, err error) {
	if busy, err = w.letters(ctx, w.l.out.take()); busy || err != nil {
		return busy, err
	}
	w.turn = !w.turn
	for range 2 {
		if w.turn {
			busy, err = w.pushNext(ctx)
		} else {
			busy, err = w.answerNext(ctx)
		}
		if busy || err != nil {
			return busy, err
		}
		w.turn = !w.turn
	}
	if m, ok := w.l.transient.Next(time.Now(), w.flow.within); ok {
		return true, w.write(ctx, m)
	}
	return false, nil
}

// letters writes what was in the outbox.
func (w *writer) letters(ctx context.Context, box letters) (busy bool, err error) {
	messages := append(w.introduction(), w.telling()...)
	messages = append(messages, w.ans.Add(box.wants)...)
	for _, d := range box.refused {
		messages = append(messages, d)
	}
	messages = append(messages, w.comparing(box)...)
	if box.lazier {
		messages = append(messages, wire.Detach{})
	}
	if box.eager {
		wants := w.wants(ctx, slices.Collect(maps.Values(box.grafts)))
		messages = append(messages, wire.Graft{Wants: wants[:min(len(wants), wire.MaxWants)]})
		for part := range slices.Chunk(wants[min(len(wants), wire.MaxWants):], wire.MaxWants) {
			messages = append(messages, wire.Missing{Wants: part})
		}
	}
	messages = append(messages, w.asking(ctx, box.asks)...)
	messages = append(messages, w.who(box)...)
	messages = append(messages, w.receipts(box)...)
	for _, m := range messages {
		if offer, ok := m.(wire.Offer); ok {
			now := time.Now()
			w.l.transient.Offered(offer.Round, now)
			w.l.clock.Offered(offer.Round, now)
		}
		if err := w.write(ctx, m); err != nil {
			return true, err
		}
	}
	busy, err = w.answerStep(ctx, box)
	return busy || len(messages) > 0, err
}

// who returns what asks and answers who is known.
func (w *writer) who(box letters) (messages []wire.Message) {
	if box.askWho != 0 {
		messages = append(messages, wire.Who{Round: box.askWho})
	}
	if box.who != nil {
		w.g.loop.ask(func(s *state) { messages = append(messages, s.whoFor(w.l, *box.who)) })
	}
	return messages
}

// answerStep answers a step of the peer's comparison, if it waits for one.
func (w *writer) answerStep(ctx context.Context, box letters) (busy bool, err error) {
	if box.offered == nil && box.probed == nil {
		return false, nil
	}
	var messages iter.Seq[wire.Message]
	at, b := time.Now(), w.l.roots.basis()
	switch {
	case box.offered == nil:
		messages = answer.Probe(w.g.log, b.digest, *box.probed)
	default:
		if w.l.both(wire.FeatureTime) {
			w.ahead = wire.Append(nil, wire.Time{Round: box.offered.Round, Millis: wallclock.Millis(w.g.cfg.Now())})
		}
		w.g.loop.do(func(s *state) { s.spread.asked(w.l, box.offered.Root, b, at) })
		messages = answer.Offer(w.g.log, b.digest, *box.offered)
	}
	for m := range messages {
		if _, vector := m.(wire.Vector); vector {
			w.g.sent.vectors.Add(1)
		}
		if err := w.write(ctx, m); err != nil {
			return true, err
		}
	}
	return true, nil
}

// comparing returns what begins or goes on with our comparison.
func (w *writer) comparing(box letters) []wire.Message {
	var messages []wire.Message
	if box.offer != 0 {
		if shut := w.g.log.Shut(); !slices.Equal(shut, w.shut) {
			w.shut = slices.Clone(shut)
			messages = append(messages, wire.Shut{Authors: w.shut[:min(len(w.shut), wire.MaxShut)]})
		}
		b := w.l.roots.basis()
		w.l.offered.Store(&b)
		messages = append(messages, wire.Offer{Round: box.offer, Root: b.digest.Root()})
		w.g.sent.offers.Add(1)
	}
	if box.probe != nil && box.offer == 0 {
		messages = append(messages, *box.probe)
		w.g.sent.probes.Add(uint64(len(box.probe.Probes)))
	}
	return messages
}

// pushNext writes the next run of the news, or what is due to be announced.
func (w *writer) pushNext(ctx context.Context) (busy bool, err error) {
	now := time.Now()
	if m := w.l.news.Next(now); m != nil && !m.Fits() {
		w.g.readFailed(ctx, m.Author, answer.ErrNoFrame)
		return true, nil
	} else if m != nil {
		w.g.sent.pushed.Add(1)
		return true, w.ops(ctx, *m)
	}
	if m := w.l.news.Announcement(now); m != nil {
		w.g.sent.announced.Add(uint64(len(m.Haves)))
		return true, w.write(ctx, *m)
	}
	return false, nil
}

// answerNext writes the next message of an answer.
func (w *writer) answerNext(ctx context.Context) (busy bool, err error) {
	m, err := w.ans.Next(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false, nil
		}
		w.g.readFailed(ctx, m.(wire.Done).Author, err)
	}
	switch m := m.(type) {
	case wire.Ops:
		return true, w.ops(ctx, m)
	case wire.Done:
		return true, w.write(ctx, m)
	}
	return false, nil
}

// readFailed reports that ops could not be read for a peer: our fault, but no reason to stop. The
// peer will ask somebody else.
func (g *Gossip) readFailed(ctx context.Context, a crdt.Author, err error) {
	g.sent.unread.Add(1)
	g.unread(ctx, a, "ops for a peer", err)
}

// unread warns that the log could not be read for a sync, and what of it, once in a while.
func (g *Gossip) unread(ctx context.Context, who crdt.Author, what string, err error) {
	if ctx.Err() == nil && g.faults.count(who, reasonRead, time.Now()) {
		g.logger.Warn("the log could not be read for others", "author", who.Short(), "what", what, "err", err, g.faults.repeated(who, reasonRead))
	}
}

// ops writes a run.
func (w *writer) ops(ctx context.Context, m wire.Ops) error {
	if err := w.write(ctx, m); err != nil {
		return err
	}
	for _, op := range m.Run.Ops {
		w.l.sent.Add(uint64(op.Count))
	}
	w.g.sent.runs.Add(1)
	w.g.sent.ops.Add(uint64(len(m.Run.Ops)))
	w.g.sent.payload.Add(uint64(m.Run.Size()))
	return nil
}

// write writes one message, when the peer takes it.
func (w *writer) write(ctx context.Context, m wire.Message) error {
	w.buf = wire.Append(w.buf[:0], m)
	if err := w.l.conn.SetWriteDeadline(time.Now().Add(w.g.pace.write)); err != nil {
		return fmt.Errorf("write %s: %w", m.Kind(), err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // The deadline set above may have come after that of the farewell.
	}
	frame := w.buf
	if w.packer != nil {
		frame = w.packer.Pack(frame)
	}
	saved := len(w.buf) - len(frame)
	if len(w.ahead) > 0 {
		frame, w.ahead = append(w.ahead, frame...), nil
	}
	began := time.Now()
	n, err := w.l.conn.Write(frame)
	took := time.Since(began)
	w.flow.wrote(n, took)
	if w.packer != nil {
		w.packer.Wrote(n, took)
	}
	w.g.sent.bytes.Add(uint64(n))
	w.g.sent.packed.Add(uint64(saved))
	if err != nil {
		return w.g.broke(ctx, w.l, reasonStuck, fmt.Errorf("write %s: %w", m.Kind(), err))
	}
	if cap(w.buf) > 2*wire.MaxRunBytes {
		w.buf = nil // after a large op
	}
	return nil
}

const (
	// runTime is how long one run of an answer should take on its way, so that what is more urgent gets
	// in between on a slow link.
	runTime = 250 * time.Millisecond
	// leastRun bounds runs from below, in bytes.
	leastRun = 16 << 10
	// flowMemory is how many bytes the rate of a link looks back.
	flowMemory = 1 << 20
)

// outflow is how fast a link takes what is written to it.
type outflow struct {
	bytes, seconds float64
}

// wrote takes in that n bytes took so long to write.
func (f *outflow) wrote(n int, took time.Duration) {
	if f.bytes >= flowMemory {
		f.bytes, f.seconds = f.bytes/2, f.seconds/2
	}
	f.bytes, f.seconds = f.bytes+float64(n), f.seconds+took.Seconds()
}

// within reports whether the link takes n bytes within [runTime], as far as is known.
func (f *outflow) within(n int) bool {
	return n <= leastRun || f.bytes <= 0 || float64(n)/f.bytes*f.seconds <= runTime.Seconds()
}

// most returns how many bytes a run of an answer may have: what the link takes in [runTime].
func (f *outflow) most() int {
	if f.seconds <= 0 {
		return wire.MaxRunBytes
	}
	return int(min(max(f.bytes/f.seconds*runTime.Seconds(), leastRun), wire.MaxRunBytes))
}
