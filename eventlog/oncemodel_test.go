package eventlog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// onceModel is a log with what it must know of ids: the entries themselves say it.
type onceModel struct {
	*keeper
}

// TestOnceModel appends events with ids from a small set, in all ways there are, and trims, prunes, compacts, reopens,
// copies into a new file and salvages at random. An id is known exactly while the entry that bears it has its body.
func TestOnceModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &onceModel{newKeeper(t, "keeper")}
		m.cfg.Trim.MinCount = 3
		m.reopen()
		eventlog.Unsynced(m.Log)
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "update": m.update, "wait": m.wait, "trim": m.trimAll, "prune": m.pruneSome,
			"reopen": m.openAgain, "compact": m.compact, "": m.check,
		})
		report, err := m.Verify(t.Context())
		if err != nil || !report.OK() {
			rt.Fatalf("verify: %v, %v", report.Problems, err)
		}
	})
}

func (m *onceModel) event(rt *rapid.T) crdt.Event {
	text := rapid.SampledFrom([]string{"x", "x", "x", "y"}).Draw(rt, "text")
	if !rapid.Bool().Draw(rt, "named") {
		return note(text)
	}
	e := named(rapid.SampledFrom([]string{"", "app"}).Draw(rt, "scope"), fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "id")), text)
	e.Retention = crdt.Trimmable
	return e
}

// bears returns what the log is to know: the place and the payload of the entry that bears an id, by scope and id.
func (m *onceModel) bears() map[[2]string]eventlog.Entry {
	all := make(map[[2]string]eventlog.Entry)
	for e, err := range m.Entries(m.t.Context(), eventlog.Query{}) {
		if err != nil {
			m.t.Fatal(err)
		}
		if id := e.Header(eventlog.HeaderID); id != "" {
			key := [2]string{e.Header(eventlog.HeaderClient), id}
			if was, twice := all[key]; twice {
				m.t.Fatalf("%s and %s bear one id", was.Place(), e.Place())
			}
			all[key] = e.Clone()
		}
	}
	return all
}

// expect returns what is to become of events: their places, whether they are known, and whether one is refused.
func (m *onceModel) expect(events []crdt.Event) (told []eventlog.Appended, refused bool) {
	bears, next := m.bears(), m.Feed(m.Author()).Next()
	texts := make(map[[2]string]string)
	for key, e := range bears {
		texts[key] = string(e.Payload)
	}
	places := make(map[[2]string]crdt.Place)
	for _, e := range events {
		key := [2]string{e.Header(eventlog.HeaderClient), e.Header(eventlog.HeaderID)}
		place := crdt.Place{Author: m.Author(), Seq: next}
		if key[1] == "" {
			told, next = append(told, eventlog.Appended{Place: place}), next+1
			continue
		}
		text, known := texts[key]
		if known && text != string(e.Payload) {
			return nil, true
		}
		if entry, held := bears[key]; held {
			place = entry.Place()
		} else if known {
			place = places[key]
		} else {
			next++
		}
		texts[key], places[key] = string(e.Payload), place
		told = append(told, eventlog.Appended{Place: place, Known: known})
	}
	return told, false
}

func (m *onceModel) events(rt *rapid.T) (events []crdt.Event) {
	for range rapid.IntRange(1, 4).Draw(rt, "events") {
		events = append(events, m.event(rt))
	}
	return events
}

// wantTold compares what became of events with what was to be expected.
func wantTold(rt *rapid.T, want, got []eventlog.Appended, refused bool, err error) {
	_, reused := errors.AsType[*eventlog.IDReusedError](err)
	if reused != refused || err != nil && !reused {
		rt.Fatalf("append: %v, want refused: %v", err, refused)
	}
	for i := range want {
		if got[i] != want[i] {
			rt.Fatalf("event %d is at %v, want %v", i, got[i], want[i])
		}
	}
}

func (m *onceModel) append(rt *rapid.T) {
	events := m.events(rt)
	want, refused := m.expect(events)
	got, err := m.AppendOnce(m.t.Context(), events)
	wantTold(rt, want, got, refused, err)
}

func (m *onceModel) update(rt *rapid.T) {
	events := m.events(rt)
	want, refused := m.expect(events)
	var got []eventlog.Appended
	err := m.Update(m.t.Context(), func(tx *eventlog.Tx) error {
		got = nil
		for _, e := range events {
			_, known, err := tx.Known(e)
			if err != nil {
				return err
			}
			place, err := tx.Append(e)
			if err != nil {
				return err
			}
			got = append(got, eventlog.Appended{Place: place, Known: known})
		}
		return nil
	})
	wantTold(rt, want, got, refused, err)
}

func (m *onceModel) wait(rt *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
}

func (m *onceModel) trimAll(*rapid.T) { m.trim(eventlog.TrimOptions{}) }

func (m *onceModel) pruneSome(rt *rapid.T) {
	_, err := m.Prune(m.t.Context(), eventlog.PruneRequest{Keep: uint64(rapid.IntRange(1, 10).Draw(rt, "keep"))})
	if err != nil && !errors.Is(err, eventlog.ErrNothingToPrune) {
		rt.Fatalf("prune: %v", err)
	}
}

func (m *onceModel) openAgain(*rapid.T) {
	m.reopen()
	eventlog.Unsynced(m.Log)
}

func (m *onceModel) compact(rt *rapid.T) {
	if _, err := m.Compact(m.t.Context()); err != nil {
		rt.Fatalf("compact: %v", err)
	}
}

// check counts the rows: there is one for each entry that bears an id, and no other.
func (m *onceModel) check(rt *rapid.T) {
	if rows, bear := max(0, idRows(m.t, m.Log)), len(m.bears()); rows != bear {
		rt.Fatalf("%d ids are on record, %d entries bear one", rows, bear)
	}
}
