package eventlog_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// overtakings are what may happen to a log while somebody reads it.
var overtakings = map[string]func(k *keeper){
	"trim":       func(k *keeper) { k.trimAfter(2 * time.Hour) },
	"prune":      func(k *keeper) { k.pruneBelow(overtakenEntries / 2) },
	"prune all":  func(k *keeper) { k.pruneBelow(overtakenEntries) },
	"prune most": func(k *keeper) { k.pruneBelow(overtakenEntries - 1) },
	"trim and prune": func(k *keeper) {
		k.trimAfter(2 * time.Hour)
		k.pruneBelow(overtakenEntries / 2)
	},
	"compact": func(k *keeper) {
		if _, err := k.Compact(k.t.Context()); err != nil {
			k.t.Fatal(err)
		}
	},
}

// overtakenEntries is how many entries of a kilobyte each of two feeds has: four chunks together.
const overtakenEntries = 120

func (k *keeper) trimAfter(d time.Duration) {
	k.t.Helper()
	k.now = k.now.Add(d)
	k.trim(eventlog.TrimOptions{})
}

func (k *keeper) pruneBelow(seq uint64) {
	k.t.Helper()
	k.prune(eventlog.PruneRequest{Below: seq})
	k.trim(eventlog.TrimOptions{})
}

// newOvertaken makes a log of several chunks: of its own feed, and of another before or behind it.
func newOvertaken(t *testing.T, other string) *keeper {
	t.Helper()
	k := newKeeper(t, "keeper")
	eventlog.Unsynced(k.Log)
	s := newStranger(t, other)
	e := crdt.Event{Kind: "note", Subject: "it", Payload: fmt.Appendf(nil, "%q", strings.Repeat("x", 1000)), Retention: crdt.Trimmable}
	if _, err := k.AppendBatch(t.Context(), slices.Repeat([]crdt.Event{e}, overtakenEntries)); err != nil {
		t.Fatal(err)
	}
	var ops []crdt.Op
	var last crdt.Op
	for last.Next() < overtakenEntries {
		h := crdt.Header{Log: s.log, First: last.Next(), Prev: last.ID, Clock: crdt.NextClock(k.now, last.Clock, 0)}
		op, err := crdt.NewOp(s.key, h, k.now, e, e, e, e)
		if err != nil {
			t.Fatal(err)
		}
		ops, last = append(ops, op), op
	}
	apply(t, k.Log, ops...)
	return k
}

// overtaken is a reading that has begun when something happens.
type overtaken struct {
	q    eventlog.Query
	next func() (eventlog.Entry, error, bool)
	want []string
	got  []string
}

func (o *overtaken) String() string {
	return fmt.Sprintf("%s reverse %t subjects %v gone %s after %d", o.q.Order, o.q.Reverse, o.q.Subjects, o.q.Gone, len(o.got))
}

// read reads n entries, or as many as there are.
func (o *overtaken) read(n int) error {
	for range n {
		e, err, more := o.next()
		if !more || err != nil {
			return err
		}
		o.got = append(o.got, placeText(e))
	}
	return nil
}

// TestReadersThatAreOvertakenAreTold forgets in the middle of readings: each ends with all that stood in
// the log when it began, or with a [eventlog.TrimmedError] where something of that is gone.
func TestReadersThatAreOvertakenAreTold(t *testing.T) {
	for name, overtake := range overtakings {
		for other, indexed := range map[string]bool{"a": true, "b": false} { // one sorts before the keeper
			k := newOvertaken(t, other)
			if indexed {
				if err := k.CatchUpIndex(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			readers := beginReaders(t, k, false)
			overtake(k)
			for _, r := range readers {
				what := fmt.Sprintf("%s, %s, indexed %t: %v", name, other, indexed, r)
				err := r.read(len(r.want) + 1)
				gone, told := errors.AsType[*eventlog.TrimmedError](err)
				switch {
				case err != nil && (!told || name == "compact" || r.q.Gone == eventlog.ShowGone && !gone.Pruned):
					t.Errorf("%s: %v", what, err)
				case r.q.Gone == eventlog.ShowGone:
				case len(r.got) > len(r.want) || !slices.Equal(r.got, r.want[:len(r.got)]):
					t.Errorf("%s: it has read something else", what)
				case err == nil && len(r.got) < len(r.want):
					t.Errorf("%s: it ends after %d of %d entries and is not told", what, len(r.got), len(r.want))
				}
			}
		}
	}
}

// TestReadersThatGoOnLeaveOutWhatWent forgets in the middle of readings that are to go on: none ends with an
// error, and each has all that is still there, in order and once.
func TestReadersThatGoOnLeaveOutWhatWent(t *testing.T) {
	for name, overtake := range overtakings {
		for other, indexed := range map[string]bool{"a": true, "b": false} {
			k := newOvertaken(t, other)
			if indexed {
				if err := k.CatchUpIndex(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			readers := beginReaders(t, k, true)
			overtake(k)
			for _, r := range readers {
				what := fmt.Sprintf("%s, %s, indexed %t: %v", name, other, indexed, r)
				if err := r.read(len(r.want) + 1); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				if r.q.Gone == eventlog.ShowGone {
					continue // what is shown stands for many
				}
				at := 0
				for _, place := range r.got {
					i := slices.Index(r.want[at:], place)
					if i < 0 {
						t.Errorf("%s: %s comes twice, out of order, or was never there", what, place)
						break
					}
					at += i + 1
				}
				q := r.q
				q.GoOn = false
				for _, place := range places(t, k, q) {
					if slices.Contains(r.want, place) && !slices.Contains(r.got, place) {
						t.Errorf("%s: it lacks %s, which is there", what, place)
						break
					}
				}
			}
		}
	}
}

// beginReaders begins readings of all kinds, some at their first entry and some far on.
func beginReaders(t *testing.T, k *keeper, goOn bool) (readers []*overtaken) {
	t.Helper()
	var wants [6][]string
	for i := range 3 * 2 * 2 * 2 * 2 {
		order := eventlog.Query{Order: eventlog.Order(i % 3), Reverse: i/3%2 == 1}
		if i < 6 {
			wants[i] = places(t, k, order)
		}
		q := order
		if i/6%2 == 1 {
			q.Subjects = []string{"it"}
		}
		if i/12%2 == 1 {
			q.Gone = eventlog.ShowGone
		}
		q.GoOn = goOn
		next, stop := iter.Pull2(k.Entries(t.Context(), q))
		t.Cleanup(stop)
		r := &overtaken{q: q, next: next, want: wants[i%6]}
		if err := r.read([]int{1, overtakenEntries * 4 / 5}[i/24]); err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	return readers
}

// places returns the places that a query yields.
func places(t *testing.T, k *keeper, q eventlog.Query) (places []string) {
	t.Helper()
	for e, err := range k.Entries(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, placeText(e))
	}
	return places
}

// TestAForkThatComesMeanwhileIsInNoReading: an op beside one that a reading has not come to, and before it in the
// order of keys, neither ends the reading nor is in it.
func TestAForkThatComesMeanwhileIsInNoReading(t *testing.T) {
	for order := range eventlog.Arrival + 1 {
		for _, reverse := range []bool{false, true} {
			k, s := newKeeper(t, "keeper"), newStranger(t, "a")
			eventlog.Unsynced(k.Log)
			ops := s.chain(crdt.Op{}, overtakenEntries, strings.Repeat("x", 4000))
			apply(t, k.Log, ops...)
			q := eventlog.Query{Order: order, Reverse: reverse}
			next, stop := iter.Pull2(k.Entries(t.Context(), q))
			t.Cleanup(stop)
			r := &overtaken{q: q, next: next, want: places(t, k, q)}
			if err := r.read(1); err != nil {
				t.Fatal(err)
			}
			at := ops[overtakenEntries/2]
			beside := s.op(ops[overtakenEntries/2-1], "beside")
			for n := 0; beside.Key().Compare(at.Key()) > 0; n++ {
				beside = s.op(ops[overtakenEntries/2-1], fmt.Sprint("beside", n))
			}
			apply(t, k.Log, beside)
			if err := r.read(len(r.want)); err != nil || !slices.Equal(r.got, r.want) {
				t.Errorf("%v of %d: %v", r, len(r.want), err)
			}
		}
	}
}
