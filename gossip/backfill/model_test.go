package backfill

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// The model is one receiver and some holders. Links have a speed each; what was asked for is answered
// in order; runs are placed as soon as they come, or pending until what they name is held.
//
//	holder ── runs at its speed ──▶ receiver: Arrived, place or keep, Grew
//	       ◀──────── asks ───────── Plan, every step

const step = 10 * time.Millisecond

// modelOp is an op without contents.
type modelOp struct {
	key   crdt.Key
	next  uint64
	prev  crdt.OpID
	bytes int
}

func (o modelOp) head() crdt.Head { return crdt.Head{Next: o.next, ID: o.key.ID} }

// nature is how a holder behaves.
type nature int

const (
	honest  nature = iota
	silent         // claims and never answers
	empty          // claims and ends each answer at once
	garbage        // sends what is refused
	half           // sends the first half of each answer
	trickle        // sends an op every other second
)

type holder struct {
	id     crdt.Author
	nature nature
	speed  float64 // bytes a second
	down   bool
	ops    map[crdt.Author][]modelOp   // each after the one it names
	heads  map[crdt.Author][]crdt.Head // of ops, once they are known
	queue  []*answer
	budget float64
	sent   int // bytes of ops
	rested time.Time
}

// answer is what is left to send of an ask.
type answer struct {
	ask      Ask
	ops      []modelOp
	complete bool
}

// failing is a test that can fail.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

// place is a seq of an author.
type place struct {
	author crdt.Author
	first  uint64
}

type model struct {
	t       failing
	rand    *rand.Rand
	now     time.Time
	sched   *Schedule
	holders []*holder
	feeds   map[crdt.Author]crdt.Feed
	held    map[crdt.OpID]bool
	floors  map[crdt.OpID]bool      // ops that may be placed without what they name
	pending map[crdt.OpID][]modelOp // by the op that they name
	waiting map[place]modelOp       // those that are pending, by where they begin; the latest
	dups    int                     // bytes that came again
	got     int                     // bytes that were new
	asked   map[[2]crdt.Author]int
	ids     uint64
	steps   int
}

func newModel(t failing, seed uint64, cfg Config) *model {
	cfg.Rand = rand.New(rand.NewPCG(seed, 1))
	return &model{
		t: t, rand: rand.New(rand.NewPCG(seed, 2)), now: time.Unix(1e9, 0), sched: New(cfg),
		feeds: make(map[crdt.Author]crdt.Feed), held: make(map[crdt.OpID]bool),
		floors:  make(map[crdt.OpID]bool),
		pending: make(map[crdt.OpID][]modelOp), asked: make(map[[2]crdt.Author]int),
		waiting: make(map[place]modelOp),
	}
}

func (m *model) name() (a crdt.Author) {
	m.ids++
	binary.BigEndian.PutUint64(a[:], m.ids)
	return a
}

// chain returns ops of n entries together that go on after the head.
func (m *model) chain(after crdt.Head, n uint64, opEntries int, entryBytes int) []modelOp {
	var ops []modelOp
	for next := after.Next + n; after.Next < next; {
		count := min(1+m.rand.Uint64N(uint64(opEntries)), next-after.Next)
		op := modelOp{
			key: crdt.Key{First: after.Next, ID: crdt.OpID(m.name())}, next: after.Next + count,
			prev: after.ID, bytes: int(count) * entryBytes,
		}
		ops = append(ops, op)
		after = op.head()
	}
	return ops
}

// join adds a holder that has nothing.
func (m *model) join(n nature, speed float64) *holder {
	h := &holder{id: m.name(), nature: n, speed: speed, ops: make(map[crdt.Author][]modelOp), heads: make(map[crdt.Author][]crdt.Head)}
	m.holders = append(m.holders, h)
	return h
}

// headsOf returns the heads that a holder has of an author's feed.
func (h *holder) headsOf(a crdt.Author) []crdt.Head {
	if heads := h.heads[a]; heads != nil {
		return heads
	}
	named := make(map[crdt.OpID]bool)
	for _, o := range h.ops[a] {
		named[o.prev] = true
	}
	var heads []crdt.Head
	for _, o := range h.ops[a] {
		if !named[o.key.ID] {
			heads = append(heads, o.head())
		}
	}
	slices.SortFunc(heads, crdt.Head.Compare)
	h.heads[a] = heads
	return heads
}

// compare shows the receiver what a holder has.
func (m *model) compare(h *holder) {
	m.sched.Comparing(h.id)
	for _, a := range m.authors(h) {
		heads := h.headsOf(a)
		if !slices.ContainsFunc(heads, func(x crdt.Head) bool { return !m.held[x.ID] }) {
			continue
		}
		m.sched.Offered(Offer{Peer: h.id, Author: a, Heads: heads, Held: m.feeds[a]}, m.now)
	}
	m.sched.Compared(h.id)
}

func (m *model) authors(h *holder) []crdt.Author {
	var authors []crdt.Author
	for a := range h.ops {
		authors = append(authors, a)
	}
	slices.SortFunc(authors, crdt.Author.Compare)
	return authors
}

// take puts an ask into a holder's queue.
func (m *model) take(a Ask) {
	i := slices.IndexFunc(m.holders, func(h *holder) bool { return h.id == a.Peer })
	h := m.holders[i]
	if h.down {
		m.t.Fatalf("asked %s, which is gone", h.id.Short())
	}
	m.asked[[2]crdt.Author{a.Peer, a.Author}]++
	ans := &answer{ask: a, complete: true}
	size := 0
	for _, o := range h.ops[a.Author] {
		switch {
		case a.Span == nil && !m.held[o.key.ID]:
			ans.ops = append(ans.ops, o)
		case a.Span == nil || len(h.headsOf(a.Author)) != 1 || o.key.First < a.Span.From || o.key.First >= a.Span.Upto:
		case size >= int(a.MaxBytes):
			ans.complete = false
		default:
			size += o.bytes
			ans.ops = append(ans.ops, o)
		}
	}
	switch h.nature {
	case empty:
		ans.ops = nil
	case half:
		ans.ops = ans.ops[:len(ans.ops)/2]
	}
	h.queue = append(h.queue, ans)
}

// send lets a holder send for one step.
func (m *model) send(h *holder) {
	h.budget = min(h.budget+h.speed*step.Seconds(), h.speed)
	for !h.down && len(h.queue) > 0 && h.nature != silent {
		ans := h.queue[0]
		if len(ans.ops) == 0 {
			h.queue = h.queue[1:]
			m.sched.Done(h.id, ans.ask.ID, ans.complete, m.now)
			continue
		}
		if h.nature == trickle {
			if m.now.Sub(h.rested) < 2*time.Second {
				return
			}
			h.rested = m.now
		} else if h.budget < float64(ans.ops[0].bytes) {
			return
		}
		m.run(h, ans)
	}
	if len(h.queue) == 0 {
		h.budget = 0
	}
}

// run sends the next run of an answer.
func (m *model) run(h *holder, ans *answer) {
	n, size := 0, 0
	for n < len(ans.ops) && (n == 0 || h.nature != trickle && size+ans.ops[n].bytes <= 64<<10 && float64(size+ans.ops[n].bytes) <= h.budget) {
		if n > 0 && ans.ops[n].prev != ans.ops[n-1].key.ID {
			break
		}
		size += ans.ops[n].bytes
		n++
	}
	run := ans.ops[:n]
	ans.ops = ans.ops[n:]
	h.budget -= float64(size)
	h.sent += size
	author := ans.ask.Author
	m.sched.Arrived(Arrival{
		Peer: h.id, Ask: ans.ask.ID, Author: author, First: run[0].key.First, Next: run[n-1].next, Bytes: size,
	}, m.now)
	if h.nature == garbage {
		m.sched.Refused(h.id, author, m.now)
		return
	}
	fresh := 0
	for _, o := range run {
		fresh += m.place(author, o)
	}
	if fresh > 0 {
		m.sched.Grew(Growth{Author: author, Feed: m.feeds[author], Peer: h.id, Ask: ans.ask.ID, Entries: fresh}, m.now)
	}
	m.unlinked(author)
}

// place puts an op where it belongs, and those that waited for it. It returns how many entries were new.
func (m *model) place(author crdt.Author, o modelOp) int {
	if m.held[o.key.ID] || slices.Contains(m.pending[o.prev], o) {
		m.dups += o.bytes
		return 0
	}
	if o.prev != (crdt.OpID{}) && !m.held[o.prev] && !m.floors[o.key.ID] {
		m.pending[o.prev] = append(m.pending[o.prev], o)
		m.waiting[place{author, o.key.First}] = o
		return 0
	}
	m.held[o.key.ID] = true
	m.got += o.bytes
	f := m.feeds[author]
	i := slices.IndexFunc(f.Branches, func(b crdt.Branch) bool { return b.Head.ID == o.prev })
	if i < 0 {
		f.Branches = append(f.Branches, crdt.Branch{Start: o.key, Parent: o.prev, Rooted: true, Head: o.head()})
	} else {
		f.Branches[i].Head = o.head()
	}
	m.feeds[author] = f
	fresh := int(o.next - o.key.First)
	waiting := m.pending[o.key.ID]
	delete(m.pending, o.key.ID)
	for _, w := range waiting {
		fresh += m.place(author, w)
	}
	return fresh
}

// unlinked tells the schedule when ops are pending that do not follow the head they should.
func (m *model) unlinked(author crdt.Author) {
	o, pending := m.waiting[place{author, m.feeds[author].Next()}]
	if pending && !m.held[o.prev] && !m.held[o.key.ID] {
		m.sched.Unlinked(author, m.now)
	}
}

// until lets time pass until all that honest holders with a link have is held, at most for limit. It
// returns how long that took.
func (m *model) until(limit time.Duration, each func()) time.Duration {
	begun := m.now
	for m.now.Sub(begun) < limit {
		m.step()
		if each != nil {
			each()
		}
		if m.complete() {
			return m.now.Sub(begun)
		}
	}
	m.t.Fatalf("not all has come in %v: %d bytes have", limit, m.got)
	return 0
}

func (m *model) complete() bool {
	for _, h := range m.holders {
		if h.down || h.nature != honest {
			continue
		}
		for _, ops := range h.ops {
			for i := range ops {
				if !m.held[ops[len(ops)-1-i].key.ID] {
					return false
				}
			}
		}
	}
	return true
}

// pass lets time pass.
func (m *model) pass(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		m.step()
	}
}

// step is a hundredth of a second. Each holder is compared with once a second.
func (m *model) step() {
	if m.steps%100 == 0 {
		for _, h := range m.holders {
			if !h.down {
				m.compare(h)
			}
		}
	}
	if m.steps%5 == 0 {
		m.sched.Expire(m.now, func(crdt.Author) bool { return false })
	}
	for _, a := range m.sched.Plan(func(a crdt.Author) crdt.Feed { return m.feeds[a] }, m.now) {
		m.take(a)
	}
	m.check()
	for _, h := range m.holders {
		m.send(h)
	}
	m.steps++
	m.now = m.now.Add(step)
}

// cut ends the link to a holder.
func (m *model) cut(h *holder) {
	h.down, h.queue, h.budget = true, nil, 0
	m.sched.Gone(h.id, m.now)
}

// mend makes the link anew.
func (m *model) mend(h *holder) {
	h.down = false
	m.compare(h)
}
