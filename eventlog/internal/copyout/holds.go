package copyout

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/eventlog/retention"
)

// Holds are what the backups keep back that are being made. Several goroutines may call their methods at once.
type Holds struct {
	mu  sync.Mutex
	all []*Hold
}

// Hold keeps back what a backup has not come to yet, from an offset on, until a time.
type Hold struct {
	from  atomic.Uint64
	until time.Time
}

// Begin holds everything from now on, for most, where 0 means an hour and negative not at all, or until it is dropped.
func (h *Holds) Begin(now time.Time, most time.Duration) *Hold {
	hold := &Hold{until: now.Add(max(0, cmp.Or(most, time.Hour)))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, hold)
	return hold
}

// Drop lets go what a hold keeps back.
func (h *Holds) Drop(hold *Hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = slices.DeleteFunc(h.all, func(b *Hold) bool { return b == hold })
}

// At returns what is kept back at a time.
func (h *Holds) At(now time.Time) (all []retention.Hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, hold := range h.all {
		if now.Before(hold.until) {
			all = append(all, retention.Hold{Name: "backup", Offset: hold.from.Load(), Until: hold.until, Upto: retention.NoEnd})
		}
	}
	return all
}
