package gossip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/answer"
	"github.com/quipulog/quipu/gossip/wire"
)

// errEnded is what the end of a stream is reported as.
var errEnded = errors.New("peer closed the stream without a word")

// readCounts is what the readers of all links have got, in bytes.
type readCounts struct {
	bytes           atomic.Uint64 // of frames
	payload, pushed atomic.Uint64 // of ops; of those, of ops that were pushed
}

// reader reads a link, and does what it is told or hands it on.
type reader struct {
	g          *Gossip
	l          *link
	comparison comparison // ours with the peer
}

// run reads until ctx ends or the stream breaks, and returns why.
func (r *reader) run(ctx context.Context) error {
	g, l := r.g, r.l
	flow := &inflow{ctx: ctx, l: l, silence: g.pace.silence}
	in := bufio.NewReaderSize(flow, 64<<10)
	for {
		flow.frame()
		m, size, err := wire.ReadFrame(in, l.both(wire.FeatureZstd))
		switch {
		case errors.Is(err, wire.ErrMalformed):
			return g.offence(l, reasonMalformed, err)
		case err == io.EOF:
			return errEnded
		case err != nil:
			return g.broke(ctx, l, reasonSilent, err)
		}
		g.received.bytes.Add(uint64(size.Wire))
		if err := r.take(ctx, m, size.Plain); err != nil {
			return err
		}
	}
}

// leastFlow is how fast a frame must come once silence has passed, in bytes a second: slower than any
// network that is of use, and fast enough that nobody holds a link for days with one frame.
const leastFlow = 1 << 10

// inflow is what a link's reader reads from: as long as a frame comes at leastFlow, the link is alive.
type inflow struct {
	ctx     context.Context // of one call of read
	l       *link
	silence time.Duration
	began   time.Time // when the reader began to wait for the frame under way
	came    int64     // bytes since
}

// frame begins to wait for a frame.
func (f *inflow) frame() { f.began, f.came = time.Now(), 0 }

func (f *inflow) Read(b []byte) (int, error) {
	late := f.began.Add(f.silence + time.Duration(f.came)*time.Second/leastFlow)
	if err := f.l.conn.SetReadDeadline(earlier(time.Now().Add(f.silence), late)); err != nil {
		return 0, err
	}
	if f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx) // The deadline set above may have come after that of the farewell.
	}
	n, err := f.l.conn.Read(b)
	f.came += int64(n)
	if n > 0 {
		f.l.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// take does what a message asks for.
func (r *reader) take(ctx context.Context, m wire.Message, size int) error {
	g, l := r.g, r.l
	if f := needs(m); f != 0 && !l.both(f) {
		return g.offence(l, reasonMalformed, fmt.Errorf("%s, which was not agreed", m.Kind()))
	}
	switch m := m.(type) {
	case wire.Shut:
		l.roots.setShut(m.Authors)
		l.process.Shuts(m.Authors)
	case wire.Offer:
		l.out.offered(m)
	case wire.Probe:
		l.out.probed(m)
	case wire.Same:
		r.same(m)
	case wire.Nodes:
		r.nodes(m)
	case wire.Vector:
		r.vector(ctx, m)
	case wire.Missing:
		l.out.answer(answer.Feeds(m.Wants))
	case wire.Spans:
		l.out.answer(answer.Spans(m.Wants))
	case wire.Graft:
		l.out.answer(answer.Feeds(m.Wants))
		g.loop.do(func(s *state) { s.spread.grafted(l) })
	case wire.Detach:
		g.loop.do(func(s *state) { s.spread.detached(l) })
	case wire.IHave:
		r.haves(m)
	case wire.Ops:
		return r.ops(ctx, m, size)
	case wire.Done:
		return g.applier.put(ctx, arrival{link: l, done: &m})
	case wire.Transient:
		if err := g.transients.Take(l.transient, m, size); err != nil {
			reason, _ := faultOf(err)
			return g.offence(l, reason, err)
		}
	case wire.Conditions:
		l.conditions.Store(&m.List)
	case wire.Page:
		l.page.Store(&m.URL)
	case wire.Time:
		l.clock.Take(m, time.Now(), g.cfg.Now())
	case wire.Who:
		l.out.who(m.Round)
	case wire.Members:
		g.loop.do(func(s *state) { s.toldWho(l, m) })
	case wire.Keeps, wire.Await:
		r.receipt(m)
	case wire.Program:
		l.program.Store(&m.Version)
	case wire.Bye:
		return &ByeError{Code: m.Code, Text: m.Text}
	default:
		return g.offence(l, reasonMalformed, fmt.Errorf("%s in the middle of a stream", m.Kind()))
	}
	return nil
}

// needs returns the feature that both hellos must have named for a message; 0 for none.
func needs(m wire.Message) wire.Features {
	switch m.(type) {
	case wire.Conditions:
		return wire.FeatureConditions
	case wire.Page:
		return wire.FeaturePage
	case wire.Time:
		return wire.FeatureTime
	case wire.Who, wire.Members:
		return wire.FeatureWho
	case wire.Keeps, wire.Await:
		return wire.FeatureReceipts
	case wire.Program:
		return wire.FeatureProgram
	}
	return 0
}

// haves tells the loop what a peer announces and is not held here.
func (r *reader) haves(m wire.IHave) {
	g, l := r.g, r.l
	shut := l.roots.excluded()
	m.Haves = slices.DeleteFunc(m.Haves, func(h wire.Have) bool {
		_, left := slices.BinarySearchFunc(shut, h.Author, crdt.Author.Compare)
		return left
	})
	r.said(m.Haves)
	news := slices.DeleteFunc(m.Haves, func(h wire.Have) bool {
		return holds(g.log.Feed(h.Author), []crdt.Head{h.Head})
	})
	if len(news) > 0 {
		g.loop.do(func(s *state) { s.spread.announced(l, news) })
	}
}

// ops hands a run to the applier, and waits while too many wait there.
func (r *reader) ops(ctx context.Context, m wire.Ops, size int) error {
	g, l := r.g, r.l
	if m.Newer != nil {
		g.loop.do(func(s *state) { s.spread.newer(l, m.Author, m.Newer) })
	}
	if len(m.Run.Ops) == 0 {
		return nil
	}
	for _, op := range m.Run.Ops {
		if op.Log != g.log.ID() {
			return g.offence(l, reasonOtherLog, fmt.Errorf("op %s/%d is of log %s", op.Author.Short(), op.First, op.Log))
		}
	}
	g.received.payload.Add(uint64(m.Run.Size()))
	if m.Ask == 0 {
		g.received.pushed.Add(uint64(m.Run.Size()))
	}
	size += cap(m.Run.Ops) * crdt.OpMemory
	return g.applier.put(ctx, arrival{link: l, run: m.Run, ask: m.Ask, hops: m.Hops, size: size})
}
