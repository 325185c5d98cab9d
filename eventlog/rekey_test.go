package eventlog_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// newKey is the key that folders get here.
var newKey = eventlogtest.Key("new")

// rekey gives the folder of a log, which it closes, a new key.
func (r *restored) rekey(key ed25519.PrivateKey, keep func() error) error {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	l, err := eventlog.Rekey(r.dir, r.cfg, key, keep)
	if err != nil {
		return err
	}
	r.Log, r.cfg.Key = l, key
	if err := l.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.Log = eventlogtest.Reopen(r.t, r.dir, r.cfg)
	return nil
}

func keptKey() error { return nil }

// newSecondWriter is a folder that was restored and has written beside its original, which it has heard of.
//
//	before 0, before 1 ─┬─ after 0, after 1
//	                    └─ mine
func newSecondWriter(t *testing.T) *restored {
	r := newRestored(t, 2, 2)
	mustAppend(t, r.Log, "mine")
	apply(t, r.Log, readAll(t, r.original, r.original.Author()).Ops...)
	return r
}

// TestAFolderGetsANewKey in whatever state it is: it appends again, to a feed of its own, which begins with an entry
// that says why and whose folder it was. The old feed stays as it is, and what comes of it is another's.
func TestAFolderGetsANewKey(t *testing.T) {
	older := func(t *testing.T) *restored {
		r := newRestored(t, 2, 2)
		apply(t, r.Log, readAll(t, r.original, r.original.Author()).Ops[:3]...)
		return r
	}
	for name, test := range map[string]struct {
		make func(t *testing.T) *restored
		why  string
		mute error
		from uint64
	}{
		"second writer": {newSecondWriter, "second writer", eventlog.ErrSecondWriter, 3},
		"older":         {older, "older", eventlog.ErrRecovering, 2},
		"well":          {func(t *testing.T) *restored { return newRestored(t, 2, 2) }, "new key", nil, 2},
		"nothing":       {func(t *testing.T) *restored { return newRestored(t, 0, 2) }, "new key", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.make(t)
			if err := r.Health().Mute; !errors.Is(err, test.mute) {
				t.Fatalf("before: %v, want %v", err, test.mute)
			}
			former, feed, told := r.Author(), r.Feed(r.Author()), r.CursorAt(r.Stats().Next)
			if err := r.rekey(newKey, keptKey); err != nil {
				t.Fatal(err)
			}
			if err := r.Health().Mute; err != nil || r.Recovering() != nil {
				t.Errorf("after: %v, %v", err, r.Recovering())
			}
			if diff := cmp.Diff([]crdt.Author{crdt.AuthorOf(newKey), former}, r.Authors()); diff != "" || r.Author() != r.Authors()[0] {
				t.Errorf("authors (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(feed.Heads(), r.Feed(former).Heads()); diff != "" {
				t.Errorf("the old feed (-want +got):\n%s", diff)
			}
			r.wantRekeyed(test.why, test.from, feed)
			mustAppend(t, r.Log, "goes on")
			eventlogtest.Exchange(t, r.original, r.Log)
			r.reopen()
			mustAppend(t, r.Log, "and on")
			if next := r.Feed(r.Author()).Next(); next != 3 {
				t.Errorf("the new feed has %d entries, want 3", next)
			}
			if from := r.offsetsBehind(told); len(from) == 0 || from[0] != told.Offset {
				t.Errorf("a token of the former author at %d goes on at %v", told.Offset, from)
			}
		})
	}
}

// wantRekeyed wants the first entry of the new feed to say why it began.
func (r *restored) wantRekeyed(why string, from uint64, feed crdt.Feed) {
	r.t.Helper()
	e, err := r.Lookup(r.t.Context(), crdt.Place{Author: r.Author()})
	if err != nil {
		r.t.Fatal(err)
	}
	head := func(next uint64) string {
		for _, op := range readEach(r.t, r.Log, feed) {
			if op.Next() == next {
				return fmt.Sprintf(`{"next":%d,"op":"%s"}`, next, op.ID)
			}
		}
		return `{"next":0}`
	}
	end := uint64(0)
	for _, h := range feed.Heads() {
		end = max(end, h.Next)
	}
	want := fmt.Sprintf(`{"why":"%s","from":%s,"end":%s,"former":"%s"}`, why, head(from), head(end), feed.Author)
	if e.Kind != eventlog.RecoverKind || string(e.Payload) != want {
		r.t.Errorf("on record: %s %s\nwant %s", e.Kind, e.Payload, want)
	}
}

// readEach returns all ops of a feed, the branch that was written first here before others.
func readEach(t *testing.T, l *eventlog.Log, feed crdt.Feed) (all []crdt.Op) {
	t.Helper()
	segments, err := l.Plan(t.Context(), crdt.Want{Author: feed.Author})
	for i := 0; err == nil && i < len(segments); i++ {
		var run crdt.Run
		run, err = l.Read(t.Context(), &segments[i], 1<<20)
		all = append(all, run.Ops...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *restored) offsetsBehind(c eventlog.Cursor) (all []uint64) {
	r.t.Helper()
	for e, err := range r.Entries(r.t.Context(), eventlog.Query{Order: eventlog.Arrival, After: c}) {
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, e.Offset)
	}
	return all
}

// TestANewKeyWhereTheEndOfTheFeedCannotBeRead: what cannot be read of the old feed comes back like anybody's.
func TestANewKeyWhereTheEndOfTheFeedCannotBeRead(t *testing.T) {
	l, peer := newSpoiled(t, 4, "entry 2", "entry 3")
	former, dir := l.Author(), filepath.Dir(l.Path())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := eventlog.Rekey(dir, config("author"), newKey, keptKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, eventlog.Config{Key: newKey})
	mustAppend(t, l, "goes on")
	if next := l.Feed(former).Next(); next != 2 {
		t.Errorf("the old feed ends before %d, want 2", next)
	}
	eventlogtest.Exchange(t, peer, l)
	want := []string{`0 "entry 0"`, `1 "entry 1"`, `3 "of the peer"`, `6 "goes on"`, `7 "entry 2"`, `8 "entry 3"`}
	got := arrivals(t, l)
	if diff := cmp.Diff(want, slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "5 ") })); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
}

// TestAFolderWhoseKeyWasNotChanged is what it was: where the key is not kept, where it is no new one, and where it is
// the key of somebody else who has written.
func TestAFolderWhoseKeyWasNotChanged(t *testing.T) {
	r := newSecondWriter(t)
	stranger := newStranger(t, "stranger")
	apply(t, r.Log, stranger.chain(crdt.Op{}, 1, "s")...)
	before, incarnation, old := r.Frontier(), r.Incarnation(), r.cfg.Key
	refused := errors.New("no room for the key")
	for name, test := range map[string]struct {
		key  ed25519.PrivateKey
		keep func() error
		want error
	}{
		"the key is not kept": {newKey, func() error { return refused }, refused},
		"the same key":        {old, keptKey, eventlog.ErrKeyUsed},
		"a stranger's key":    {stranger.key, keptKey, eventlog.ErrKeyUsed},
	} {
		if err := r.rekey(test.key, test.keep); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		r.Log = eventlogtest.Reopen(t, r.dir, r.cfg)
		if diff := cmp.Diff(before, r.Frontier()); diff != "" || r.Incarnation() != incarnation || len(r.Authors()) != 1 {
			t.Errorf("%s: incarnation %s, authors %v, frontier (-want +got):\n%s", name, r.Incarnation(), r.Authors(), diff)
		}
		if err := r.Health().Mute; !errors.Is(err, eventlog.ErrSecondWriter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.rekey(newKey, keptKey); err != nil {
		t.Fatal(err)
	}
	if err := r.rekey(old, keptKey); !errors.Is(err, eventlog.ErrKeyUsed) {
		t.Errorf("the former key again: %v", err)
	}
	if _, err := eventlog.Open(r.dir, eventlog.Config{Key: old}); !errors.Is(err, eventlog.ErrWrongKey) {
		t.Errorf("open with the former key: %v", err)
	}
	r.Log = eventlogtest.Reopen(t, r.dir, r.cfg)
	another := eventlogtest.Key("another")
	if err := r.rekey(another, keptKey); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]crdt.Author{crdt.AuthorOf(another), crdt.AuthorOf(newKey), crdt.AuthorOf(old)}, r.Authors()); diff != "" {
		t.Errorf("authors (-want +got):\n%s", diff)
	}
}

// TestTheKeyIsKeptBeforeTheLogChanges, with the log locked: who opens the folder meanwhile cannot take what is kept for
// left over.
func TestTheKeyIsKeptBeforeTheLogChanges(t *testing.T) {
	r := newSecondWriter(t)
	asked := 0
	err := r.rekey(newKey, func() error {
		asked++
		for _, key := range []ed25519.PrivateKey{r.cfg.Key, newKey} {
			if _, err := eventlog.Open(r.dir, eventlog.Config{Key: key}); !isLocked(err) {
				t.Errorf("open meanwhile: %v", err)
			}
		}
		return nil
	})
	if err != nil || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

func isLocked(err error) bool {
	_, locked := errors.AsType[*eventlog.LockedError](err)
	return locked
}

// TestTheOldFeedIsAnothers: it counts among others' room, is shut as others' are, and no more of it is written.
func TestTheOldFeedIsAnothers(t *testing.T) {
	r := newSecondWriter(t)
	former := r.Author()
	if others := r.Stats().Others; others != 0 {
		t.Fatalf("others take %d bytes", others)
	}
	if err := r.rekey(newKey, keptKey); err != nil {
		t.Fatal(err)
	}
	if others := r.Stats().Others; others == 0 {
		t.Error("the old feed takes no room of others'")
	}
	next := r.Feed(former).Next()
	if _, err := r.Prune(t.Context(), eventlog.PruneRequest{Below: 1}); err != nil {
		t.Fatal(err)
	}
	if f := r.Feed(former); f.Next() != next || f.Leave.Floor != 0 {
		t.Errorf("the old feed ends at %d with the floor %d", f.Next(), f.Leave.Floor)
	}
	mustAppend(t, r.original, "after 2")
	r.cfg.MaxAuthorBytes = 1
	r.reopen()
	ops := readAll(t, r.original, former).Ops
	o := apply(t, r.Log, ops...)
	if _, shut := errors.AsType[*eventlog.ShutError](o.Err); !shut {
		t.Errorf("more of the old feed, beyond the share of an author: %+v", o)
	}
}

// TestAFollowerKnowsWhatItEmittedAsTheFormerAuthor: it would take that for input else.
func TestAFollowerKnowsWhatItEmittedAsTheFormerAuthor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestored(t, 2, 0)
		var seen []string
		double := func(tx *eventlog.Tx, batch []eventlog.Entry) error {
			for _, e := range batch {
				text := saying([]eventlog.Entry{e})
				seen = append(seen, text)
				if _, err := tx.Append(note("of " + text)); err != nil {
					return err
				}
			}
			return nil
		}
		cfg := eventlog.FollowConfig{Kinds: []string{"test.note"}}
		catchUp(t, r.Log, "f", cfg, double)
		if err := r.ResetFollower(t.Context(), "f", 0); err != nil {
			t.Fatal(err)
		}
		if err := r.rekey(newKey, keptKey); err != nil {
			t.Fatal(err)
		}
		catchUp(t, r.Log, "f", cfg, double)
		if diff := cmp.Diff([]string{"before 0", "before 1", "before 0", "before 1"}, seen); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
	})
}

// TestACopyGetsANewKey beside its original, which goes on: it is known for what it is now when it is opened again.
func TestACopyGetsANewKey(t *testing.T) {
	cfg, dir := config("author"), t.TempDir()
	original := eventlogtest.OpenAs(t, "author")
	mustAppend(t, original, "before")
	eventlogtest.Exchange(t, original, eventlogtest.OpenAs(t, "other")) // so that others know of it
	from := filepath.Dir(original.Path())
	if err := errors.Join(original.Close(), os.CopyFS(dir, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
	original = eventlogtest.Reopen(t, from, cfg)
	r := &restored{Log: eventlogtest.Reopen(t, dir, cfg), t: t, dir: dir, cfg: cfg, original: original}
	if why := r.Recovering(); why == nil || why.Why != eventlog.WhyCopied {
		t.Skipf("a file system that does not tell a copy: %v", why)
	}
	feed := r.Feed(r.Author())
	if err := r.rekey(newKey, keptKey); err != nil {
		t.Fatal(err)
	}
	r.wantRekeyed("copied", 1, feed)
	r.reopen()
	if why := r.Recovering(); why != nil {
		t.Errorf("the copy recovers again: %v", why)
	}
	mustAppend(t, original, "after")
	mustAppend(t, r.Log, "mine")
	eventlogtest.Exchange(t, original, r.Log)
	eventlogtest.Exchange(t, r.Log, original)
	if diff := cmp.Diff(original.Frontier(), r.Frontier()); diff != "" || r.Health().Mute != nil || original.Health().Mute != nil {
		t.Errorf("%v, %v, frontiers (-original +copy):\n%s", original.Health().Mute, r.Health().Mute, diff)
	}
}
