package transient

import "time"

const (
	// firstWindow is how many bytes of transient events go out on a link before anything is known of it,
	// and leastWindow and mostWindow are the bounds of what goes out later.
	firstWindow = 256 << 10
	leastWindow = 16 << 10
	mostWindow  = 4 << 20
	// late is by how much an answer may come later than the fastest one did.
	late = 250 * time.Millisecond
)

// window bounds the bytes of transient events that are on their way to a peer: what lies in the buffers of the
// network delays the ops that are written after it, and that a write returned says nothing. The answer to an offer
// says that the peer has read all that was written before the offer. When it comes late, compared with the fastest
// that came, less is let out from then on, and when it comes at once, more.
//
//	written:  event event event  offer  event event
//	              before, 3       │         sent, 5       the answer takes 3 off
type window struct {
	size   int // 0 means firstWindow
	sent   int // bytes that the peer may not have read yet
	before int // of those, written before the offer
	round  uint32
	asked  time.Time     // when the offer was written
	best   time.Duration // the fastest answer
}

// opens reports whether an event of n bytes may go out. One always may.
func (w *window) opens(n int) bool { return w.sent == 0 || w.sent+n <= w.most() }

func (w *window) most() int {
	if w.size == 0 {
		return firstWindow
	}
	return w.size
}

// offered takes note that an offer was written.
func (w *window) offered(round uint32, now time.Time) {
	w.round, w.asked, w.before = round, now, w.sent
}

// answered takes note of an answer. All but the first one to the last offer are ignored.
func (w *window) answered(round uint32, now time.Time) {
	if w.round == 0 || round != w.round {
		return
	}
	took := now.Sub(w.asked)
	if w.best == 0 || took < w.best {
		w.best = took
	}
	switch {
	case took > w.best+late:
		w.size = max(w.most()/2, leastWindow)
	case w.before > w.most()/2:
		w.size = min(2*w.most(), mostWindow)
	}
	w.sent -= w.before
	w.round, w.before = 0, 0
}
