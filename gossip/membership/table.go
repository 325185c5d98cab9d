package membership

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Member is what is known of another node. Alive is what the failure detection says; any member could
// have made it say so.
type Member struct {
	Author crdt.Author
	Name   string
	Addr   netip.AddrPort // signed by the author
	Alive  bool
	Since  time.Time     // when Alive became what it is
	RTT    time.Duration // of the last answered probe; 0 if none was
	Heard  time.Time     // when that was answered
}

const (
	// maxGone bounds the members that are remembered after they have gone.
	maxGone = 256
	// placeLife is how long the place of a member that has gone is not another's. Memberlist goes on
	// holding it for about as long.
	placeLife = 10 * time.Minute
)

// table holds the members. Its methods never wait: memberlist calls them under its own locks.
//
// Anybody with the secret can announce nodes that do not exist, as many as he likes: an announcement costs
// a key and a signature. So there are two sorts of places, max of each: for those who have proven on a
// stream with this node that they hold their key and the secret, and for those of whom it only hears. A
// crowd of the latter never keeps out one of the former.
type table struct {
	max     int
	changed chan struct{}
	outbid  chan struct{}
	tooMany atomic.Uint64 // announcements that there was no place for

	mu sync.Mutex
	// The fields below are guarded by mu.

	members map[crdt.Author]Member
	places  map[crdt.Author]*place
	guests  map[crdt.Author]bool // have met us on a stream and have no place; at most max
	twin    netip.AddrPort       // the last address, not ours, that announced our key
	twinAt  time.Time            // when it last did
}

// place is what a member takes up, here and in memberlist.
type place struct {
	checked
	met  bool      // on a stream
	left time.Time // when the member went; zero while it is alive
}

// checked is an announcement that need not be verified again.
type checked struct {
	announcement
	meta string
}

func newTable(limit int) *table {
	return &table{
		max:     limit,
		changed: make(chan struct{}, 1),
		outbid:  make(chan struct{}, 1),
		members: make(map[crdt.Author]Member),
		places:  make(map[crdt.Author]*place),
		guests:  make(map[crdt.Author]bool),
	}
}

// known reports whether the announcement with these parts has been checked before, and which
// announcement of the author is known.
func (t *table) known(a crdt.Author, addr netip.AddrPort, meta []byte) (last checked, same bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.places[a]; p != nil {
		last = p.checked
	}
	return last, last.meta == string(meta) && last.addr == addr && last.author == a
}

// remember keeps a checked announcement, or says that there is no place for its author.
func (t *table) remember(c checked, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.places[c.author]
	if p == nil {
		p = &place{met: t.guests[c.author]}
		if t.taken(p.met, now) >= t.max {
			t.tooMany.Add(1)
			return false
		}
		delete(t.guests, c.author)
		t.places[c.author] = p
	}
	p.checked, p.left = c, time.Time{}
	return true
}

// taken returns how many places of a sort are taken, after it has freed those that can be another's. The
// caller holds mu.
func (t *table) taken(met bool, now time.Time) int {
	n := 0
	for a, p := range t.places {
		switch {
		case p.met != met:
		case !p.left.IsZero() && now.Sub(p.left) >= placeLife:
			delete(t.places, a)
		default:
			n++
		}
	}
	return n
}

// meet takes note that a stream with an author has been made, at both ends of which the secret was proven.
func (t *table) meet(a crdt.Author, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.places[a]
	switch {
	case p == nil:
		for other := range t.guests {
			if len(t.guests) < t.max {
				break
			}
			delete(t.guests, other)
		}
		t.guests[a] = true
	case !p.met && t.taken(true, now) < t.max:
		p.met = true
	}
}

// arrive takes in a member that is alive.
func (t *table) arrive(m Member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, known := t.members[m.Author]; known {
		m.RTT, m.Heard = last.RTT, last.Heard
		if last.Alive {
			m.Since = last.Since
		}
	}
	t.members[m.Author] = m
	signal(t.changed)
}

// leave marks a member as gone. What it announced is forgotten, so that it can come back with a clock
// that was set back.
func (t *table) leave(a crdt.Author, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.places[a]; p != nil {
		p.checked, p.left = checked{}, now
	}
	m, known := t.members[a]
	if !known {
		return
	}
	m.Alive, m.Since = false, now
	t.members[a] = m
	t.forgetOldest()
	signal(t.changed)
}

// forgetOldest drops the member that has been gone longest when there are more than maxGone. The
// caller holds mu.
func (t *table) forgetOldest() {
	var oldest Member
	n := 0
	for _, m := range t.members {
		if m.Alive {
			continue
		}
		n++
		if n == 1 || m.Since.Before(oldest.Since) {
			oldest = m
		}
	}
	if n > maxGone {
		delete(t.members, oldest.Author)
	}
}

// answered takes note of a probe's answer.
func (t *table) answered(a crdt.Author, rtt time.Duration, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, known := t.members[a]; known {
		m.RTT, m.Heard = rtt, now
		t.members[a] = m
	}
}

func (t *table) member(a crdt.Author) (Member, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, known := t.members[a]
	return m, known
}

func (t *table) snapshot() []Member {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedFunc(maps.Values(t.members), func(a, b Member) int { return a.Author.Compare(b.Author) })
}

// alive returns the number of members that are alive, this node among them.
func (t *table) alive() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 1
	for _, m := range t.members {
		if m.Alive {
			n++
		}
	}
	return n
}

// firstTwin takes note of a second node at addr with our key, and reports whether it has not been reported
// yet.
func (t *table) firstTwin(addr netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.twinAt = time.Now()
	if t.twin == addr {
		return false
	}
	t.twin = addr
	signal(t.changed)
	return true
}
