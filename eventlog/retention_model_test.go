package eventlog_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// keptOp is an op as a list remembers it.
type keptOp struct {
	author        crdt.Author
	first, count  uint64
	class         crdt.Retention
	written       time.Time
	clock         crdt.Clock
	offset        uint64
	gone, dropped bool
	stretch       *stretch // in which it arrived
}

// stretch is how finely arrivals are remembered: from when to when it lasted.
type stretch struct{ began, ended time.Time }

func (o *keptOp) next() uint64 { return o.first + o.count }

// retentionModel is a log with a list of what it must hold, and a reader with half of its pages left.
type retentionModel struct {
	*keeper
	other *stranger
	last  map[crdt.Author]crdt.Op
	ops   []*keptOp // in arrival order
	next  uint64
	floor uint64
	comes *stretch       // the last stretch; nil before the first arrival
	query eventlog.Query // of the reader; its page is "" when there is none
	rest  []string       // what it has to read
	swept bool           // since it began
}

// TestRetentionModel appends, applies, trims, prunes, compacts and reopens at random, and holds every
// order of reading against a list.
func TestRetentionModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &retentionModel{keeper: newKeeper(t, "keeper"), other: newStranger(t, "other"), last: make(map[crdt.Author]crdt.Op)}
		m.cfg.Trim.MinCount = 3
		m.reopen()
		eventlog.Unsynced(m.Log)
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "apply": m.apply, "wait": m.wait, "trim": m.trimAll, "prune": m.pruneSome,
			"reopen": m.openAgain, "compact": m.compact,
			"begin to read": m.begin, "read on": m.readOn, "": m.check,
		})
		if report, err := m.Verify(t.Context()); err != nil || !report.OK() {
			rt.Fatalf("verify: %v, %v", report.Problems, err)
		}
		if err := m.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// events returns events of one class that say where they will stand.
func (m *retentionModel) events(rt *rapid.T) (crdt.Retention, []crdt.Event) {
	class := crdt.Retention(rapid.IntRange(0, 1).Draw(rt, "class"))
	events := make([]crdt.Event, rapid.IntRange(1, 3).Draw(rt, "entries"))
	for i := range events {
		events[i] = note("x")
		events[i].Retention = class
	}
	return class, events
}

func (m *retentionModel) take(a crdt.Author, first uint64, class crdt.Retention, n int) {
	if m.comes == nil || m.now.Sub(m.comes.began) >= m.cfg.Trim.MinAge/8 {
		m.comes = &stretch{began: m.now}
	}
	m.comes.ended = m.now
	m.ops = append(m.ops, &keptOp{author: a, first: first, count: uint64(n), class: class, written: m.now, offset: m.next, stretch: m.comes})
	m.next += uint64(n)
}

// openAgain closes the log and opens it: when the last stretch ended is forgotten, but for what must be so.
func (m *retentionModel) openAgain(*rapid.T) {
	m.reopen()
	eventlog.Unsynced(m.Log)
	if m.comes != nil {
		m.comes.ended = m.now
		if most := m.comes.began.Add(time.Hour); most.Before(m.now) {
			m.comes.ended = most
		}
	}
}

// since returns from when on the age of an op counts: ours from its writing, others' from their arrival.
func (m *retentionModel) since(o *keptOp) time.Time {
	if o.author == m.Author() {
		return o.written
	}
	return o.stretch.ended
}

func (m *retentionModel) append(rt *rapid.T) {
	class, events := m.events(rt)
	places, err := m.AppendBatch(m.t.Context(), events)
	if err != nil {
		rt.Fatal(err)
	}
	m.take(m.Author(), places[0].Seq, class, len(events))
}

func (m *retentionModel) apply(rt *rapid.T) {
	class, events := m.events(rt)
	s, prev := m.other, m.last[m.other.author()]
	h := crdt.Header{Log: s.log, First: prev.Next(), Prev: prev.ID, Clock: crdt.NextClock(m.now, prev.Clock, 0)}
	op, err := crdt.NewOp(s.key, h, m.now, events...)
	if err != nil {
		rt.Fatal(err)
	}
	if o := apply(m.t, m.Log, op); o.Ops != 1 {
		rt.Fatalf("outcome: %+v", o)
	}
	m.last[s.author()] = op
	m.take(s.author(), op.First, class, len(events))
}

func (m *retentionModel) wait(rt *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
}

func (m *retentionModel) height(a crdt.Author) (next uint64) {
	for _, o := range m.ops {
		if o.author == a {
			next = max(next, o.next())
		}
	}
	return next
}

func (m *retentionModel) trimAll(*rapid.T) {
	m.trim(eventlog.TrimOptions{})
	for _, o := range m.ops {
		if o.author == m.Author() && o.next() <= m.floor && o.offset+o.count < m.next {
			m.swept = m.swept || !o.dropped
			o.dropped = true
		}
		if !o.dropped && !o.gone && o.class == crdt.Trimmable && m.now.Sub(m.since(o)) >= time.Hour && m.height(o.author)-o.next() >= 3 {
			o.gone, m.swept = true, true
		}
	}
}

func (m *retentionModel) pruneSome(rt *rapid.T) {
	p, err := m.Prune(m.t.Context(), eventlog.PruneRequest{Keep: uint64(rapid.IntRange(1, 10).Draw(rt, "keep"))})
	if errors.Is(err, eventlog.ErrNothingToPrune) {
		return
	}
	if err != nil || p.Floor <= m.floor {
		rt.Fatalf("prune: %+v, %v", p, err)
	}
	m.floor = p.Floor
	m.take(m.Author(), p.Place.Seq, crdt.Persistent, 1)
}

func (m *retentionModel) compact(rt *rapid.T) {
	if _, err := m.Compact(m.t.Context()); err != nil {
		rt.Fatal(err)
	}
}

// want returns the places that a query must yield.
func (m *retentionModel) want(q eventlog.Query) []string {
	ops := slices.Clone(m.ops)
	slices.SortStableFunc(ops, func(a, b *keptOp) int {
		switch q.Order {
		case eventlog.ByAuthor:
			return cmp.Or(a.author.Compare(b.author), cmp.Compare(a.first, b.first))
		case eventlog.Causal:
			return cmp.Or(cmp.Compare(m.clock(a), m.clock(b)), a.author.Compare(b.author))
		}
		return cmp.Compare(a.offset, b.offset)
	})
	var want []string
	for _, o := range ops {
		for i := range o.count {
			if !o.gone && !o.dropped {
				want = append(want, fmt.Sprintf("%s/%d at %d", o.author.Short(), o.first+i, o.offset+i))
			}
		}
	}
	if q.Reverse {
		slices.Reverse(want)
	}
	return want
}

// clock returns the clock of an op, which was learnt when it was first read.
func (m *retentionModel) clock(o *keptOp) crdt.Clock {
	if o.clock == 0 && !o.dropped && !o.gone {
		e, err := m.Lookup(m.t.Context(), crdt.Place{Author: o.author, Seq: o.first})
		if err != nil {
			m.t.Fatal(err)
		}
		o.clock = e.Clock
	}
	return o.clock
}

func placeText(e eventlog.Entry) string {
	return fmt.Sprintf("%s/%d at %d", e.Author.Short(), e.Seq, e.Offset)
}

func (m *retentionModel) check(rt *rapid.T) {
	for order := range eventlog.Arrival + 1 {
		for _, reverse := range []bool{false, true} {
			q := eventlog.Query{Order: order, Reverse: reverse}
			var got []string
			for e, err := range m.Entries(m.t.Context(), q) {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, placeText(e))
			}
			if diff := gocmp.Diff(m.want(q), got); diff != "" {
				rt.Fatalf("%s reverse %t (-want +got):\n%s", order, reverse, diff)
			}
		}
	}
}

func (m *retentionModel) begin(rt *rapid.T) {
	m.query = eventlog.Query{Order: eventlog.Order(rapid.IntRange(0, 2).Draw(rt, "order")), Reverse: rapid.Bool().Draw(rt, "reverse"), Limit: rapid.IntRange(1, 5).Draw(rt, "limit")}
	m.rest, m.swept = m.want(m.query), false
	m.readOn(rt)
}

// readOn reads the next page: it is what stood there when the reader began, or an error if something was
// forgotten since.
func (m *retentionModel) readOn(rt *rapid.T) {
	if m.rest == nil {
		return
	}
	entries, next, err := m.Page(m.t.Context(), m.query)
	if _, trimmed := errors.AsType[*eventlog.TrimmedError](err); trimmed && m.swept {
		m.rest, m.query.Page = nil, ""
		return
	}
	if err != nil {
		rt.Fatalf("page: %v, swept %t", err, m.swept)
	}
	for _, e := range entries {
		if m.rest[0] != placeText(e) {
			rt.Fatalf("page has %s, want %s", placeText(e), m.rest[0])
		}
		m.rest = m.rest[1:]
	}
	if (next == "") != (len(m.rest) == 0) {
		rt.Fatalf("%d entries are left, the next page is %q", len(m.rest), next)
	}
	if m.query.Page = next; next == "" {
		m.rest = nil
	}
}
