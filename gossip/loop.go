package gossip

import (
	"context"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// loop is the one goroutine that owns the state of the sync. Others hand it functions, which it calls
// one at a time; none of them waits for anything.
type loop struct {
	acts  chan func(*state)
	began chan struct{} // closed when the loop has begun
	over  chan struct{} // closed when the loop has ended
}

func newLoop() *loop {
	return &loop{acts: make(chan func(*state), 256), began: make(chan struct{}), over: make(chan struct{})}
}

// running reports whether the loop has begun.
func (p *loop) running() bool {
	select {
	case <-p.began:
		return true
	default:
		return false
	}
}

// wait waits until the loop has begun, and reports whether it did before ctx ended.
func (p *loop) wait(ctx context.Context) bool {
	select {
	case <-p.began:
		return true
	case <-ctx.Done():
		return false
	}
}

// do has the loop call act. After the loop's end it does nothing.
func (p *loop) do(act func(*state)) {
	select {
	case p.acts <- act:
	case <-p.over:
	}
}

// ask is do that waits until act has been called; it reports whether it was.
func (p *loop) ask(act func(*state)) bool {
	called := make(chan struct{})
	p.do(func(s *state) {
		act(s)
		close(called)
	})
	select {
	case <-called:
		return true
	case <-p.over:
		return false
	}
}

// poll has look called every so often until it reports that there is nothing to wait for. Its error is why ctx
// ended, or that the loop has.
func (p *loop) poll(ctx context.Context, every time.Duration, look func(*state) (over bool)) error {
	for {
		over := false
		switch asked := p.ask(func(s *state) { over = look(s) }); {
		case !asked:
			return errLeaving
		case over:
			return nil
		}
		if err := sleep(ctx, every); err != nil {
			return err
		}
	}
}

// open asks the loop to take in a link. Its error is why it does not.
func (p *loop) open(ctx context.Context, l *link) error {
	var err error
	if !p.ask(func(s *state) { err = s.open(ctx, l, time.Now()) }) {
		return errLeaving
	}
	return err
}

// closed tells the loop that a link has ended.
func (p *loop) closed(l *link, err error) {
	p.do(func(s *state) { s.closed(l, err, time.Now()) })
}

// reserve asks whether author may be dialled: not when there is a link to it, or one in the making from this side.
// Each success is followed by one call of open or of unreserve. The error is why there can be no link at all.
func (p *loop) reserve(author crdt.Author) (granted bool, err error) {
	if !p.ask(func(s *state) { granted, err = s.neighbours.reserve(author, time.Now()) }) {
		return false, errLeaving
	}
	return granted, err
}

// unreserve says that dialling author came to nothing.
func (p *loop) unreserve(author crdt.Author) {
	p.do(func(s *state) { s.neighbours.failed(author, time.Now()) })
}

// report tells the loop what became of what arrived.
func (p *loop) report(a arrival, f fate) {
	now := time.Now()
	if a.done != nil {
		p.do(func(s *state) { s.spread.answered(a.link, *a.done, now) })
		return
	}
	p.do(func(s *state) { s.spread.applied(a, f, now) })
}

// lost tells the loop that runs of an author were thrown away before they could be placed.
func (p *loop) lost(a crdt.Author) {
	p.do(func(s *state) { s.spread.schedule.Lost(a, time.Now()) })
}

// halted tells the loop that there is no room for what peers send, or that there is again.
func (p *loop) halted(on bool) {
	p.do(func(s *state) { s.spread.schedule.Halt(on, time.Now()) })
}

// run calls what it is handed, and looks at the clock, until ctx ends: every tick while anything is under way, and
// else when the next thing is due.
func (p *loop) run(ctx context.Context, s *state) {
	defer close(p.over)
	close(p.began)
	tick := s.g.pace.tick
	pause := tick
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		changed := s.g.log.Changed()
		s.spread.moved()
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			s.tick(ctx, now)
			pause = s.pause(time.Now())
			timer.Reset(pause)
			continue
		case act := <-p.acts:
			act(s)
		case <-s.g.members.Changed():
			s.changed(time.Now())
		case <-s.g.members.Hinted():
			s.spread.takeHints(time.Now())
		case <-changed:
		}
		if pause > tick { // What has happened may have made something due before.
			pause = s.pause(time.Now())
			timer.Reset(pause)
		}
	}
}
