package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// note returns an event that says text.
func note(text string) crdt.Event {
	payload, _ := json.Marshal(text)
	return crdt.Event{Kind: "test.note", Subject: "s", Payload: payload}
}

// mustAppend appends an event that says text.
func mustAppend(tb testing.TB, l *eventlog.Log, text string) crdt.Place {
	tb.Helper()
	p, err := l.Append(tb.Context(), note(text))
	if err != nil {
		tb.Fatalf("append %q: %v", text, err)
	}
	return p
}

// texts returns what the entries of l say, in the order of the query.
func texts(tb testing.TB, l *eventlog.Log, q eventlog.Query) []string {
	tb.Helper()
	var all []string
	for e, err := range l.Entries(context.Background(), q) {
		if err != nil {
			tb.Fatalf("read entries: %v", err)
		}
		var s string
		if err := json.Unmarshal(e.Payload, &s); err != nil {
			tb.Fatalf("entry %s: %v", e.Place(), err)
		}
		all = append(all, s)
	}
	return all
}

func wantTexts(tb testing.TB, l *eventlog.Log, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, texts(tb, l, eventlog.Query{})); diff != "" {
		tb.Errorf("entries (-want +got):\n%s", diff)
	}
}

// config returns a configuration with the key that seed stands for.
func config(seed string) eventlog.Config { return eventlog.Config{Key: eventlogtest.Key(seed)} }

func TestAppendIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	cfg := config("a")
	l := eventlogtest.Create(t, dir, cfg)
	for i := range 3 {
		if p := mustAppend(t, l, fmt.Sprint(i)); p.Seq != uint64(i) || p.Author != l.Author() || !p.Branch.IsZero() {
			t.Errorf("place of entry %d: %v", i, p)
		}
	}
	frontier, root := l.Frontier(), l.Root()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l = eventlogtest.Reopen(t, dir, cfg)
	wantTexts(t, l, "0", "1", "2")
	if !l.Frontier().Equal(frontier) || l.Root() != root || root.IsZero() || l.Frontier().Hash() != root {
		t.Errorf("frontier after reopening: %v, root %s; before: %v, root %s", l.Frontier(), l.Root(), frontier, root)
	}
	if p := mustAppend(t, l, "3"); p.Seq != 3 {
		t.Errorf("place after reopening: %v, want seq 3", p)
	}
	if s := l.Stats(); s.Entries != 4 || s.Next != 4 || s.Authors != 1 || s.Ops != 4 {
		t.Errorf("stats: %+v", s)
	}
}

func TestAppendTakesTimeAtTheCall(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	cfg := config("a")
	cfg.Now = func() time.Time { return at }
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	mustAppend(t, l, "now")
	e := note("then")
	e.Time = at.Add(-time.Hour)
	if _, err := l.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	var got []time.Time
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Time)
	}
	if diff := cmp.Diff([]time.Time{at, at.Add(-time.Hour)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrentAppends(t *testing.T) {
	const writers, each = 16, 40
	l := eventlogtest.Open(t)
	var mu sync.Mutex
	said := make(map[uint64]string)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			last := uint64(0)
			for i := range each {
				text := fmt.Sprintf("%d/%d", w, i)
				p, err := l.Append(t.Context(), note(text))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				if i > 0 && p.Seq <= last {
					t.Errorf("writer %d got seq %d after %d", w, p.Seq, last)
				}
				last = p.Seq
				mu.Lock()
				said[p.Seq] = text
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got := texts(t, l, eventlog.Query{})
	if len(got) != writers*each {
		t.Fatalf("%d entries, want %d", len(got), writers*each)
	}
	for seq, text := range got {
		if said[uint64(seq)] != text {
			t.Errorf("entry %d says %q, its writer was told of %q", seq, text, said[uint64(seq)])
		}
	}
}

func TestAppendBatch(t *testing.T) {
	l := eventlogtest.Open(t)
	trimmable := note("trimmable")
	trimmable.Retention = crdt.Trimmable
	big := note(strings.Repeat("b", 60<<10))
	places, err := l.AppendBatch(t.Context(), []crdt.Event{note("a"), trimmable, note("c"), big, note("d")})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range places {
		if p.Seq != uint64(i) {
			t.Errorf("place %d: %v", i, p)
		}
	}
	// a | trimmable | c | big | d: each retention class and each large entry ends an op.
	if s := l.Stats(); s.Ops != 5 {
		t.Errorf("%d ops, want 5", s.Ops)
	}

	bad := []crdt.Event{note("e"), {Kind: "test.note", Payload: []byte("{")}}
	if _, err := l.AppendBatch(t.Context(), bad); !errors.Is(err, crdt.ErrEvent) || !strings.Contains(err.Error(), "event 2 of 2") {
		t.Errorf("append of a batch with a bad event: %v", err)
	}
	if _, err := l.AppendBatch(t.Context(), []crdt.Event{{Kind: "quipu.test"}}); !errors.Is(err, eventlog.ErrReserved) {
		t.Errorf("append of a reserved kind: %v", err)
	}
	large := make([]crdt.Event, 17)
	for i := range large {
		large[i] = crdt.Event{Kind: "large", ContentType: "text/plain", Payload: make([]byte, 1<<20)}
	}
	if _, err := l.AppendBatch(t.Context(), large); !errors.Is(err, eventlog.ErrTooLarge) {
		t.Errorf("append of 17 MiB: %v", err)
	}
	if n := l.Stats().Entries; n != 5 {
		t.Errorf("%d entries after refused batches, want 5", n)
	}
}

func TestOpsArePackedUnderLoad(t *testing.T) {
	l := eventlogtest.Open(t)
	events := make([]crdt.Event, 5000)
	for i := range events {
		events[i] = crdt.Event{Kind: "k"}
	}
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for a := range l.Frontier() {
		want := crdt.Want{Author: a}
		segments, err := l.Plan(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		run, err := l.Read(t.Context(), &segments[0], 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range run.Ops {
			sizes = append(sizes, op.Size())
			if op.Count > crdt.MaxOpEntries || op.Size() > 61<<10 {
				t.Errorf("op of %d entries has %d bytes", op.Count, op.Size())
			}
		}
	}
	if len(sizes) > 7 {
		t.Errorf("5,000 small entries are in %d ops", len(sizes))
	}
}

func TestContext(t *testing.T) {
	l := eventlogtest.Open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := l.Append(ctx, note("x")); !errors.Is(err, cause) {
		t.Errorf("append after cancel: %v", err)
	}
	if err := l.Update(ctx, func(*eventlog.Tx) error { t.Error("update ran"); return nil }); !errors.Is(err, cause) {
		t.Errorf("update after cancel: %v", err)
	}
	if n := l.Stats().Entries; n != 0 {
		t.Errorf("%d entries, want none", n)
	}
}

func TestClosed(t *testing.T) {
	l := eventlogtest.Open(t)
	changed := l.Changed()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("closing does not wake those who wait for changes")
	}
	_, appended := l.Append(t.Context(), note("x"))
	_, applied := l.Apply(t.Context(), []crdt.Run{{}})
	_, verified := l.Verify(t.Context())
	for what, err := range map[string]error{
		"append": appended, "verify": verified, "close": l.Close(),
		"update": l.Update(t.Context(), func(*eventlog.Tx) error { return nil }),
	} {
		if !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("%s of a closed log: %v", what, err)
		}
	}
	if applied != nil {
		t.Errorf("apply of nothing to a closed log: %v", applied)
	}
	for _, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("entries of a closed log: %v", err)
		}
	}
}

func TestCreateAndOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "er")
	cfg := config("a")
	if _, err := eventlog.Open(dir, cfg); !errors.Is(err, eventlog.ErrNotExist) {
		t.Errorf("open nothing: %v", err)
	}
	genesis := eventlogtest.Genesis(t)
	other := crdt.Genesis{Random: [32]byte{1}}
	if _, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis, Log: other.Log()}, cfg); !errors.Is(err, eventlog.ErrOtherLog) {
		t.Errorf("create with a genesis of another log: %v", err)
	}
	if _, err := eventlog.Create(dir, eventlog.Birth{}, cfg); err == nil {
		t.Error("create without a genesis or an id succeeded")
	}
	l, err := eventlog.Create(dir, eventlog.Birth{Log: genesis.Log()}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := l.Genesis(); known || l.ID() != genesis.Log() {
		t.Errorf("joined log %s knows its genesis: %v", l.ID(), known)
	}
	mustAppend(t, l, "before the genesis is known")
	if err := l.SetGenesis(other); !errors.Is(err, eventlog.ErrOtherLog) {
		t.Errorf("set another log's genesis: %v", err)
	}
	if err := errors.Join(l.SetGenesis(genesis), l.SetGenesis(genesis)); err != nil {
		t.Errorf("set genesis: %v", err)
	}
	if _, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, cfg); !errors.Is(err, eventlog.ErrExists) {
		t.Errorf("create twice: %v", err)
	}
	locked, ok := errors.AsType[*eventlog.LockedError](func() error { _, err := eventlog.Open(dir, cfg); return err }())
	if !ok || locked.Path != filepath.Join(dir, eventlog.FileName) {
		t.Errorf("open twice: %v", locked)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := eventlog.Open(dir, config("b")); !errors.Is(err, eventlog.ErrWrongKey) {
		t.Errorf("open with another key: %v", err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	if g, known := l.Genesis(); !known || g.Log() != genesis.Log() {
		t.Errorf("genesis after reopening: %v, %v", g, known)
	}
	if left, want := names(t, dir), []string{eventlog.FileName, eventlog.FileName + ".seen"}; !slices.Equal(left, want) {
		t.Errorf("files: %q, want %q", left, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// names returns what lies in a folder.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestConfigErrors(t *testing.T) {
	for name, cfg := range map[string]eventlog.Config{
		"Key":         {},
		"MaxBranches": {Key: eventlogtest.Key("a"), MaxBranches: -1},
	} {
		if _, err := eventlog.Open(t.TempDir(), cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("open without a usable %s: %v", name, err)
		}
	}
}

func TestDirectoryNotUsable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	genesis := eventlogtest.Genesis(t)
	_, err := eventlog.Create(filepath.Join(file, "dir"), eventlog.Birth{Genesis: &genesis}, config("a"))
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("create below a file: %v", err)
	}
}

func TestClockSetBack(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cfg := config("a")
	cfg.Now = func() time.Time { return now }
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	mustAppend(t, l, "noon")
	now = now.Add(-time.Hour)
	mustAppend(t, l, "eleven")
	mustAppend(t, l, "eleven again")
	if diff := cmp.Diff([]string{"noon", "eleven", "eleven again"}, texts(t, l, eventlog.Query{Order: eventlog.Causal})); diff != "" {
		t.Errorf("causal order (-want +got):\n%s", diff)
	}
}
