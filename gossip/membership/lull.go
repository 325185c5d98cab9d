package membership

import (
	"sync"
	"time"
)

// lull slows down a loop of memberlist while nothing happens. Memberlist ticks at intervals that are fixed when it
// starts, and waits in each tick for what it asks of us; so a call that takes its time makes the loop skip ticks:
//
//	tick   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷   ╷
//	loop   ├── held ───────┤ ├── held ──╎ │   │   │   │   ├── held …
//	                                    ╎ stirred, and for a while nothing is held
//
// What is held goes on at once when the lull is stirred, and nothing is lost by a stir that does not come but the
// time that a call is held.
type lull struct {
	hold time.Duration // how long a call is held at most; 0 for not at all

	mu sync.Mutex
	// The fields below are guarded by mu.

	until time.Time     // nothing is held before
	woken chan struct{} // closed to let go of what is held; nil when nothing is
}

// Bounds of lulls.
const (
	// probeHold is the time between two probes in a lull, on a LAN.
	probeHold = time.Second
	// tellHold is how long rumours may wait of whose cause there was no sign. None is known: what may make one stirs.
	tellHold = 5 * time.Second
	// alarm is how long probes follow each other as the profile says after a sign that somebody may have gone: as
	// long as a suspicion lasts among 100 members.
	alarm = 5 * time.Second
	// soonTold is how long after a message it may take until memberlist has something to tell because of it.
	soonTold = 2 * time.Second
)

// wait holds its caller until the lull is stirred, done is closed, or the time is over; not at all if idle says that
// there is something to do. That is asked once a stir would let go of the caller, so that none is missed in between.
func (l *lull) wait(done <-chan struct{}, idle func() bool) {
	woken := l.begin(time.Now())
	if woken == nil || !idle() {
		return
	}
	timer := time.NewTimer(l.hold)
	defer timer.Stop()
	select {
	case <-woken:
	case <-done:
	case <-timer.C:
	}
}

// begin returns what ends a wait; nil when there is nothing to wait for.
func (l *lull) begin(now time.Time) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold == 0 || now.Before(l.until) {
		return nil
	}
	if l.woken == nil {
		l.woken = make(chan struct{})
	}
	return l.woken
}

// stir lets go of what is held, and holds nothing for a while.
func (l *lull) stir(now time.Time, while time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := now.Add(while); until.After(l.until) {
		l.until = until
	}
	if l.woken != nil {
		close(l.woken)
		l.woken = nil
	}
}
