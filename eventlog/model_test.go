package eventlog_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// model is a log as slices.
type model struct {
	t       *testing.T
	dir     string
	l       *eventlog.Log
	own     []string            // our feed
	arrived []string            // all, in arrival order
	state   map[string]string   // a bucket of an update's
	peers   map[string][]string // feeds of others
	ops     map[string][]crdt.Op
}

// TestModel runs random operations against a log and a model of it.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "model")
		if err != nil {
			t.Fatal(err)
		}
		genesis := eventlogtest.Genesis(t)
		m := &model{t: t, dir: dir, state: map[string]string{}, peers: map[string][]string{}, ops: map[string][]crdt.Op{}}
		if m.l, err = eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, config("model")); err != nil {
			t.Fatal(err)
		}
		eventlog.Unsynced(m.l)
		defer func() { _ = m.l.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "batch": m.batch, "update": m.update, "apply": m.apply, "reopen": m.reopen, "": m.check,
		})
		report, err := m.l.Verify(t.Context())
		if err != nil || !report.OK() {
			rt.Fatalf("verify: %v, %v", report.Problems, err)
		}
	})
}

func (m *model) text(rt *rapid.T) string {
	if rapid.IntRange(0, 29).Draw(rt, "large") == 0 {
		return strings.Repeat("x", 16<<10)
	}
	return rapid.StringMatching("[a-z]{0,20}").Draw(rt, "text")
}

func (m *model) add(texts ...string) {
	m.own = append(m.own, texts...)
	m.arrived = append(m.arrived, texts...)
}

func (m *model) append(rt *rapid.T) {
	text := m.text(rt)
	p, err := m.l.Append(m.t.Context(), note(text))
	if err != nil || p.Seq != uint64(len(m.own)) {
		rt.Fatalf("append: %v, %v", p, err)
	}
	m.add(text)
}

func (m *model) batch(rt *rapid.T) {
	var events []crdt.Event
	var texts []string
	for range rapid.IntRange(1, 20).Draw(rt, "events") {
		text := m.text(rt)
		e := note(text)
		e.Retention = crdt.Retention(rapid.IntRange(0, 1).Draw(rt, "retention"))
		events, texts = append(events, e), append(texts, text)
	}
	places, err := m.l.AppendBatch(m.t.Context(), events)
	if err != nil || places[0].Seq != uint64(len(m.own)) || len(places) != len(texts) {
		rt.Fatalf("append batch: %v, %v", places, err)
	}
	m.add(texts...)
}

func (m *model) update(rt *rapid.T) {
	fails := rapid.Bool().Draw(rt, "fails")
	key, text := rapid.StringMatching("[a-e]").Draw(rt, "key"), m.text(rt)
	removes := rapid.Bool().Draw(rt, "removes")
	err := m.l.Update(m.t.Context(), func(tx *eventlog.Tx) error {
		b := tx.Bucket("model")
		for k, v := range m.state {
			if got := string(b.Get([]byte(k))); got != v {
				rt.Fatalf("bucket has %q at %s, want %q", got, k, v)
			}
		}
		var err error
		if removes {
			err = b.Delete([]byte(key))
		} else {
			err = b.Put([]byte(key), []byte(text))
		}
		if err != nil {
			return err
		}
		if _, err := tx.Append(note(text)); err != nil {
			return err
		}
		if fails {
			return os.ErrInvalid
		}
		return nil
	})
	if fails != (err == os.ErrInvalid) || !fails && err != nil { //nolint:errorlint // the very error
		rt.Fatalf("update: %v", err)
	}
	if fails {
		return
	}
	m.add(text)
	if removes {
		delete(m.state, key)
	} else {
		m.state[key] = text
	}
}

func (m *model) apply(rt *rapid.T) {
	name := rapid.SampledFrom([]string{"p", "q", "r"}).Draw(rt, "peer")
	s := newStranger(m.t, name)
	var last crdt.Op
	if ops := m.ops[name]; len(ops) > 0 {
		last = ops[len(ops)-1]
	}
	var texts []string
	var ops []crdt.Op
	for range rapid.IntRange(1, 5).Draw(rt, "ops") {
		text := m.text(rt)
		last = s.op(last, text, text)
		ops, texts = append(ops, last), append(texts, text, text)
	}
	o := apply(m.t, m.l, ops...)
	if o.Err != nil || o.Entries != len(texts) {
		rt.Fatalf("apply: %+v", o)
	}
	m.ops[name] = append(m.ops[name], ops...)
	m.peers[name] = append(m.peers[name], texts...)
	m.arrived = append(m.arrived, texts...)
}

func (m *model) reopen(rt *rapid.T) {
	if err := m.l.Close(); err != nil {
		rt.Fatal(err)
	}
	var err error
	if m.l, err = eventlog.Open(m.dir, config("model")); err != nil {
		rt.Fatal(err)
	}
	eventlog.Unsynced(m.l)
}

func (m *model) check(rt *rapid.T) {
	var arrived []string
	feeds := make(map[crdt.Author][]string)
	for e, err := range m.l.Entries(m.t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		if err != nil {
			rt.Fatal(err)
		}
		text := strings.Trim(string(e.Payload), `"`)
		if e.Offset != uint64(len(arrived)) || e.Seq != uint64(len(feeds[e.Author])) {
			rt.Fatalf("entry %s at offset %d", e.Place(), e.Offset)
		}
		arrived, feeds[e.Author] = append(arrived, text), append(feeds[e.Author], text)
	}
	if !slices.Equal(arrived, m.arrived) {
		rt.Fatalf("arrivals: %q, want %q", arrived, m.arrived)
	}
	want := map[crdt.Author][]string{m.l.Author(): m.own}
	for name, feed := range m.peers {
		want[newStranger(m.t, name).author()] = feed
	}
	for a, feed := range want {
		if !slices.Equal(feeds[a], feed) || m.l.Feed(a).Next() != uint64(len(feed)) {
			rt.Fatalf("feed %s: %q, want %q", a.Short(), feeds[a], feed)
		}
	}
	if s := m.l.Stats(); s.Entries != uint64(len(m.arrived)) || s.Next != s.Entries {
		rt.Fatalf("stats: %+v", s)
	}
}
