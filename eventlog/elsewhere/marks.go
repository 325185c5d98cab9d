package elsewhere

import (
	"context"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/heap"
)

// marks is those who wait. They wait in groups, one for each replication that is wanted, each for a height of the
// feed; one of them at a time leads: it looks at each change how far each group has come, and wakes those that were
// waiting for that. So a change costs as much as there are groups, nodes, and waiters that it wakes, and there is no
// goroutine for it.
//
//	--wait 1     480   481   481   512     reached 481: the first three are woken
//	--wait all   480   497                 reached 470
type marks struct {
	lead chan struct{} // of one place: whoever has put something into it leads

	mu     sync.Mutex // guards what follows
	groups map[string]*group
}

// group is those who wait for one replication.
type group struct {
	want Replication
	// waiting has those with the least height first; left of them wait no more.
	waiting heap.Heap[*waiter]
	left    int
}

// waiter waits for a height.
type waiter struct {
	group *group
	next  uint64
	woken chan struct{} // closed once it was woken
	over  bool          // it was woken, or waits no more; guarded by marks.mu
}

func newMarks() marks { return marks{lead: make(chan struct{}, 1), groups: make(map[string]*group)} }

// join puts a waiter in, which leaves in the end.
func (m *marks) join(want Replication, next uint64) *waiter {
	key := want.key()
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[key]
	if g == nil {
		g = &group{want: want}
		g.waiting.Less = func(a, b *waiter) bool { return a.next < b.next }
		m.groups[key] = g
	}
	w := &waiter{group: g, next: next, woken: make(chan struct{})}
	g.waiting.Push(w)
	return w
}

// leave takes a waiter out. Those that left before they were woken are swept away when they are half of a group.
func (m *marks) leave(w *waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.over {
		return
	}
	g := w.group
	w.over = true
	if g.left++; g.left > g.waiting.Len()/2 {
		all := g.waiting
		g.waiting, g.left = heap.Heap[*waiter]{Less: all.Less}, 0
		for all.Len() > 0 {
			if w := all.Pop(); !w.over {
				g.waiting.Push(w)
			}
		}
	}
	m.drop(g)
}

// drop forgets a group in which nobody waits. The caller holds mu.
func (m *marks) drop(g *group) {
	if key := g.want.key(); g.waiting.Len() == 0 && m.groups[key] == g {
		delete(m.groups, key)
	}
}

// wake wakes those whose height has been reached.
func (m *marks) wake(reached func(Replication) uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.groups {
		upto := reached(g.want)
		for g.waiting.Len() > 0 && g.waiting.Top().next <= upto {
			w := g.waiting.Pop()
			if w.over {
				g.left--
				continue
			}
			w.over = true
			close(w.woken)
		}
		m.drop(g)
	}
}

// await waits until w is woken, or nothing can be read here any more. Its error is why ctx ended.
func (l *Ledger) await(ctx context.Context, w *waiter) error {
	select {
	case <-w.woken:
	case <-l.cfg.Closed:
	case <-ctx.Done():
		return context.Cause(ctx)
	case l.marks.lead <- struct{}{}:
		defer func() { <-l.marks.lead }()
		return l.watch(ctx, w)
	}
	return nil
}

// watch leads until w is woken.
func (l *Ledger) watch(ctx context.Context, w *waiter) error {
	for {
		changed := l.cfg.Receipts.Changed()
		heights, whole := l.heights(ctx)
		l.marks.wake(func(r Replication) uint64 {
			if !whole {
				return crdt.MaxSeq
			}
			return r.reached(heights)
		})
		select {
		case <-w.woken:
			return nil
		case <-l.cfg.Closed:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}
