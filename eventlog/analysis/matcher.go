package analysis

import (
	"errors"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// errStopped ends a join whose caller wants no more.
var errStopped = errors.New("stopped")

// matcher is a join at work. Invariant: the starts and ends that wait are within the maximum distance
// of the last mark.
type matcher struct {
	join   Join
	window window
	keys   map[string]*keyed
	// starts wait for an end, and ends for a start that comes after them; both are in order of time.
	starts, ends chain
	// taken are the starts that are remembered to tell the second end of one, in the order in which
	// they were taken. One may stand there past its time, behind a later one.
	taken chain
	bytes int // of what waits
	yield func(Outcome) bool
}

// keyed is what waits under one key.
type keyed struct {
	starts, ends chain
	taken        *node // the last of those that an end took
}

func newMatcher(j Join, yield func(Outcome) bool) *matcher {
	m := &matcher{join: j, keys: make(map[string]*keyed), yield: yield}
	m.window.join = &m.join
	return m
}

// fail ends the outcomes with an error, unless their reader has stopped.
func (m *matcher) fail(err error, yield func(Outcome, error) bool) {
	if !errors.Is(err, errStopped) {
		yield(Outcome{}, err)
	}
}

func (m *matcher) say(o Outcome) error {
	if !m.yield(o) {
		return errStopped
	}
	return nil
}

// add takes an entry into the window, and pairs those that leave it.
func (m *matcher) add(e *eventlog.Entry) error {
	if e.Gone > 0 {
		return m.say(Outcome{Verdict: Gone, Gone: e.Gone})
	}
	mark, ok := m.join.mark(e)
	if !ok {
		return nil
	}
	if mark.Key == "" {
		return m.say(alone(Keyless, mark))
	}
	if !m.window.add(mark) {
		return m.say(alone(Late, mark))
	}
	return m.advance(m.join.Window)
}

// advance pairs what is in the window until no more than keep are left.
func (m *matcher) advance(keep int) error {
	for mark, ok := m.window.next(keep); ok; mark, ok = m.window.next(keep) {
		if err := m.expire(mark.at); err != nil {
			return err
		}
		if err := m.take(mark); err != nil {
			return err
		}
		if err := m.fit(); err != nil {
			return err
		}
	}
	return nil
}

// finish pairs what is left, and says what is alone.
func (m *matcher) finish() error {
	if err := m.advance(0); err != nil {
		return err
	}
	for m.starts.first != nil {
		if err := m.expireStart(); err != nil {
			return err
		}
	}
	for m.ends.first != nil {
		if err := m.expireEnd(EndAlone); err != nil {
			return err
		}
	}
	return nil
}

// expire gives up what is too far from now to belong to anything that comes.
func (m *matcher) expire(now uint64) error {
	for m.isFar(m.starts.first, now) {
		if err := m.expireStart(); err != nil {
			return err
		}
	}
	for m.isFar(m.ends.first, now) {
		if err := m.expireEnd(EndAlone); err != nil {
			return err
		}
	}
	for m.isFar(m.taken.first, now) {
		m.forget(m.taken.first)
	}
	return nil
}

func (m *matcher) isFar(n *node, now uint64) bool {
	return n != nil && m.join.distance(n.at, now) > uint64(m.join.Within)
}

// take pairs a mark, or lets it wait.
func (m *matcher) take(mark *Mark) error {
	k := m.keys[mark.Key]
	if k == nil {
		k = &keyed{starts: chain{which: ofKey}, ends: chain{which: ofKey}}
		m.keys[mark.Key] = k
	}
	if mark.end {
		return m.takeEnd(k, mark)
	}
	for n := k.ends.first; n != nil; n = k.ends.first {
		m.removeEnd(k, n)
		if err := m.say(Outcome{Verdict: EndAlone, Start: *mark, End: *n.Mark}); err != nil {
			return err
		}
	}
	mark.Repeated = k.starts.len > 0
	n := m.wait(&m.starts, mark)
	k.starts.push(n)
	return nil
}

func (m *matcher) takeEnd(k *keyed, mark *Mark) error {
	n := k.starts.last
	if m.join.Pairing == Oldest {
		n = k.starts.first
	}
	switch {
	case n != nil:
		n.pairs++
		if m.join.Pairing != OneToMany {
			m.removeStart(k, n)
			m.remember(k, n)
		}
		latency := time.Duration(m.join.distance(n.at, mark.at))
		return m.say(Outcome{Verdict: Paired, Start: *n.Mark, End: *mark, Latency: latency, Nth: n.pairs})
	case k.taken != nil && !m.isFar(k.taken, mark.at):
		mark.Repeated = true
		return m.say(alone(EndAlone, mark))
	}
	k.ends.push(m.wait(&m.ends, mark))
	return nil
}

// wait lets a mark wait in one of the chains of all.
func (m *matcher) wait(all *chain, mark *Mark) *node {
	n := &node{Mark: mark}
	all.push(n)
	m.bytes += mark.bytes()
	return n
}

// remember keeps the last start of a key that an end took.
func (m *matcher) remember(k *keyed, n *node) {
	if k.taken != nil {
		if m.join.compare(k.taken.Mark, n.Mark) > 0 {
			return
		}
		m.taken.remove(k.taken)
		m.bytes -= k.taken.bytes()
	}
	m.taken.push(n)
	k.taken = n
	m.bytes += n.bytes()
}

// forget lets go of a start that has an end.
func (m *matcher) forget(n *node) {
	m.taken.remove(n)
	m.bytes -= n.bytes()
	k := m.keys[n.Key]
	k.taken = nil
	m.release(k, n.Key)
}

func (m *matcher) removeStart(k *keyed, n *node) {
	k.starts.remove(n)
	m.starts.remove(n)
	m.bytes -= n.bytes()
}

func (m *matcher) removeEnd(k *keyed, n *node) {
	k.ends.remove(n)
	m.ends.remove(n)
	m.bytes -= n.bytes()
}

// expireStart gives up the first start of all.
func (m *matcher) expireStart() error {
	n := m.starts.first
	k := m.keys[n.Key]
	m.removeStart(k, n)
	m.release(k, n.Key)
	if n.pairs > 0 {
		return nil
	}
	return m.say(alone(StartAlone, n.Mark))
}

// expireEnd gives up the first end of all.
func (m *matcher) expireEnd(v Verdict) error {
	n := m.ends.first
	k := m.keys[n.Key]
	m.removeEnd(k, n)
	m.release(k, n.Key)
	return m.say(alone(v, n.Mark))
}

// release lets go of a key under which nothing waits.
func (m *matcher) release(k *keyed, key string) {
	if k.starts.len == 0 && k.ends.len == 0 && k.taken == nil {
		delete(m.keys, key)
	}
}

// fit keeps what waits within its memory: what only tells one reason from another goes first.
func (m *matcher) fit() error {
	for m.bytes > m.join.MaxBytes {
		switch {
		case m.taken.first != nil:
			n := m.taken.first
			m.forget(n)
			if err := m.say(alone(Displaced, n.Mark)); err != nil {
				return err
			}
		case m.ends.first != nil:
			if err := m.expireEnd(Overlooked); err != nil {
				return err
			}
		default:
			return &LimitError{MaxBytes: m.join.MaxBytes, Waiting: m.starts.len}
		}
	}
	return nil
}
