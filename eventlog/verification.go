package eventlog

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// verification checks the runs of one Apply, each once, and hands them out in their order. Its owner
// works on it while it waits for a run, and a helper all the time, also while the owner stores:
//
//	owner    verify 0  verify 2 │ store 0…2         │ store 3…5
//	helper   verify 1           │ verify 3  4  5    │ verify 6 …
//
// The helper is one goroutine, so that two processors at most are used, and ends before Apply does.
type verification struct {
	log    crdt.LogID
	feed   func(crdt.Author) crdt.Feed
	policy TrimPolicy
	now    time.Time
	runs   []crdt.Run
	begun  atomic.Int64 // how many runs somebody has begun with
	taken  int          // how many were handed out; the owner's
	helper sync.WaitGroup

	mu       sync.Mutex // guards what follows
	finished *sync.Cond
	checked  []checked // by run
}

// checked is what came of a run.
type checked struct {
	verified
	outcome crdt.Outcome
	done    bool
}

// startVerifying begins to verify runs. The caller ends it.
func (s *store) startVerifying(rs []crdt.Run) *verification {
	v := &verification{
		log: s.id, feed: s.feed, policy: s.cfg.Trim, now: s.cfg.Now().Add(time.Duration(s.clockOff.Load())), runs: rs, checked: make([]checked, len(rs)),
	}
	v.finished = sync.NewCond(&v.mu)
	if len(rs) > 1 {
		v.helper.Go(func() {
			for v.work() {
			}
		})
	}
	return v
}

// end waits for the helper, which does not begin with another run.
func (v *verification) end() {
	v.begun.Store(int64(len(v.runs)))
	v.helper.Wait()
}

// take returns what came of the next run, and whether there is one.
func (v *verification) take() (checked, bool) {
	if v.taken == len(v.runs) {
		return checked{}, false
	}
	for !v.isDone(v.taken) && v.work() {
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for !v.checked[v.taken].done {
		v.finished.Wait()
	}
	c := v.checked[v.taken]
	v.taken++
	return c, true
}

func (v *verification) isDone(i int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.checked[i].done
}

// work verifies one run that nobody has begun with, and reports whether there was one.
func (v *verification) work() bool {
	i := int(v.begun.Add(1)) - 1
	if i >= len(v.runs) {
		return false
	}
	c := v.check(i)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checked[i] = c
	v.finished.Signal()
	return true
}

// check verifies run i.
func (v *verification) check(i int) checked {
	r := v.runs[i]
	n, err := r.Verify(v.log)
	c := checked{outcome: crdt.Outcome{Author: r.Author(), Err: err}, done: true}
	if leave := r.Leave; len(leave.Bytes()) > 0 && (leave.Author != r.Author() || leave.Log != v.log) {
		c.outcome.Err = fmt.Errorf("%w: the leave before it is of author %s in log %s", crdt.ErrRun, leave.Author.Short(), leave.Log)
		return c
	}
	taken, stripped := r.Unstripped(n, v.feed(r.Author()).Next(), func(op crdt.Header, next uint64) bool {
		return v.policy.mayBeStripped(op, next, v.now)
	})
	if stripped != nil {
		c.outcome.Err = fmt.Errorf("%w, where this node keeps bodies for %s and those of the last %d entries", stripped, v.policy.MinAge, v.policy.MinCount)
	}
	c.verified = verified{run: i, leave: r.Leave, ops: r.Ops[:taken]}
	return c
}
