package membership

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
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

// Counts says how often things were refused since the start.
type Counts struct {
	BadAnnouncements   uint64 // not signed by the author they name
	StaleAnnouncements uint64 // older than the one known
	TooMany            uint64 // announcements of new members past the limit
	BadAdverts         uint64 // messages that are no adverts
	Conflicts          uint64 // announcements of a live member from another address
	Unsealed           uint64 // packets and messages on streams that our secret does not open, from anybody
	BadMessages        uint64 // of those it opens, what no member sends
	Crowded            uint64 // streams and pings for others past what a node has time for
}

// maxGone bounds the members that are remembered after they have gone.
const maxGone = 256

// table holds the members. Its methods never wait: memberlist calls them under its own locks.
type table struct {
	max     int
	changed chan struct{}
	outbid  chan struct{}

	mu sync.Mutex
	// The fields below are guarded by mu.

	members map[crdt.Author]Member
	checked map[crdt.Author]checked // announcements whose signature verified; of members that are alive
	count   Counts
	twin    netip.AddrPort // the last address, not ours, that announced our key
	twinAt  time.Time      // when it last did
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
		checked: make(map[crdt.Author]checked),
	}
}

// known reports whether the announcement with these parts has been checked before, and which
// announcement of the author is known.
func (t *table) known(a crdt.Author, addr netip.AddrPort, meta []byte) (last checked, same bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last = t.checked[a]
	return last, last.meta == string(meta) && last.addr == addr && last.author == a
}

// remember keeps a checked announcement, or says that there are too many members.
func (t *table) remember(c checked) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.checked[c.author]; !known && len(t.checked) >= t.max {
		t.count.TooMany++
		return false
	}
	t.checked[c.author] = c
	return true
}

// tally changes the counts.
func (t *table) tally(change func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.count)
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
	delete(t.checked, a)
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

func (t *table) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
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
	return true
}
