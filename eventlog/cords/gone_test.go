package cords_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// days appends entries, one a day from noon on, ten an op.
func days(t *testing.T, l *eventlog.Log, class crdt.Retention, from, to int) {
	t.Helper()
	for day := from; day < to; day += 10 {
		events := make([]crdt.Event, 10)
		for i := range events {
			events[i] = crdt.Event{Kind: "k", Time: noon.AddDate(0, 0, day+i), Retention: class}
		}
		if _, err := l.AppendBatch(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
}

func catchUp(t *testing.T, p *cords.Projection) {
	t.Helper()
	if err := p.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// allTime takes all entries, wherever their times are.
var allTime = cords.Window{From: new(int64(-1 << 50)), To: new(int64(1 << 50))}

// spoil puts another value at a key of the projection, as a bad disk may have.
func spoil(t *testing.T, l *eventlog.Log, key, value []byte) {
	t.Helper()
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.Bucket("quipu.cords").Put(key, value) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestTrimmedStaysCounted: where its time was, as long as the projection is the one that has seen it; in a new one at the time of
// its op, without its kind. The cord says how much is trimmed.
func TestTrimmedStaysCounted(t *testing.T) {
	l := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 10}})
	p := cords.Of(l)
	days(t, l, crdt.Trimmable, 0, 100)
	catchUp(t, p)
	before := read(t, p, allTime)
	report, err := l.Trim(t.Context(), eventlog.TrimOptions{})
	if err != nil || report.Trimmed.Entries != 90 {
		t.Fatal(report, err)
	}
	after := read(t, p, allTime)
	if after.Cords[0].Trimmed != 90 {
		t.Errorf("%d are trimmed, want 90", after.Cords[0].Trimmed)
	}
	after.Cords[0].Trimmed = 0
	if diff := cmp.Diff(before, after); diff != "" || len(after.Cords[0].Cells) != 100 {
		t.Errorf("%d cells (-before +after):\n%s", len(after.Cords[0].Cells), diff)
	}
	spoil(t, l, []byte{0}, []byte("another"))
	for range 2 {
		anew := read(t, p, allTime)
		known, n := uint64(0), uint64(0)
		for _, c := range anew.Cords[0].Cells {
			n += c.N
			for _, k := range c.Kinds {
				known += k.N
			}
		}
		if n != 100 || known != 10 || anew.Entries != 100 || anew.Behind != 0 {
			t.Errorf("a new projection has %d entries, of which it knows the kind of %d: %+v", n, known, anew)
		}
		catchUp(t, p)
	}
}

// TestPrunedIsForgotten: cells of which all was pruned are told no more, and are not kept; where a part was, what is left is
// counted once it is read.
func TestPrunedIsForgotten(t *testing.T) {
	l := eventlogtest.Open(t)
	p := cords.Of(l)
	days(t, l, crdt.Persistent, 0, 100)
	catchUp(t, p)
	if _, err := l.Prune(t.Context(), eventlog.PruneRequest{Below: 40, Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		pic := read(t, p, allTime)
		c := pic.Cords[0]
		if c.Floor != 40 || c.Next != 101 || c.Entries != 61 || c.Before+c.After != 0 || c.Cells[0].Lo != 40 {
			t.Errorf("%d entries from %d to %d, the first cell %+v", c.Entries, c.Floor, c.Next, c.Cells[0])
		}
		hold(t, &cords.Picture{From: pic.From, To: pic.To, Bucket: pic.Bucket, Kinds: pic.Kinds, Cords: pic.Cords, Entries: 61, Next: 61}, allTime, entries(t, l))
		catchUp(t, p)
	}
	coarse := read(t, p, cords.Window{From: allTime.From, To: allTime.To, Width: 2})
	if n := coarse.Cords[0].Entries; n != 61 {
		t.Errorf("%d entries in %d cells, want 61", n, len(coarse.Cords[0].Cells))
	}
}

// TestASpoiltProjectionIsMadeAnew: whatever of it is spoilt, a picture counts all, and the next step mends it.
func TestASpoiltProjectionIsMadeAnew(t *testing.T) {
	l := eventlogtest.Open(t)
	p := cords.Of(l)
	days(t, l, crdt.Persistent, 0, 200)
	catchUp(t, p)
	want := read(t, p, allTime)
	own := l.Author()
	for _, key := range [][]byte{{0}, {1, 0, 1}, {2}, append([]byte{3}, own[:]...), {3, 1}, {1, 0}} {
		for _, value := range [][]byte{{}, {0}, bytes.Repeat([]byte{1}, 60)} {
			spoil(t, l, key, value)
			for range 2 {
				if diff := cmp.Diff(want, read(t, p, allTime)); diff != "" {
					t.Fatalf("key %x is %x (-want +got):\n%s", key, value, diff)
				}
				catchUp(t, p)
			}
		}
	}
}

// TestUnreadableEntriesAreBehind: a picture counts what comes before what cannot be read, and says how much is not counted.
func TestUnreadableEntriesAreBehind(t *testing.T) {
	dir := t.TempDir()
	cfg := eventlog.Config{Key: eventlogtest.Key("a")}
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{`"first"`, `"to be spoilt"`, `"last"`} {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Time: noon, Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "quipu.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte("to be spoilt"), []byte("to be spoilT")), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = eventlog.Open(dir, cfg); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := cords.Of(l)
	for range 2 {
		if pic := read(t, p, cords.Window{}); pic.Entries != 1 || pic.Next != 1 || pic.Behind != 2 {
			t.Errorf("%d entries below %d, %d behind", pic.Entries, pic.Next, pic.Behind)
		}
		if err := p.CatchUp(t.Context()); err == nil {
			t.Error("what cannot be read was counted")
		}
	}
}

// TestARestartCountsOn: what was counted before is not read again.
func TestARestartCountsOn(t *testing.T) {
	dir := t.TempDir()
	cfg := eventlog.Config{Key: eventlogtest.Key("a")}
	l := eventlogtest.Create(t, dir, cfg)
	empty := l.Meters().Commit
	catchUp(t, cords.Of(l))
	if now := l.Meters().Commit; !slices.Equal(empty.Counts, now.Counts) {
		t.Errorf("commits to count nothing: %v before, %v after", empty.Counts, now.Counts)
	}
	days(t, l, crdt.Persistent, 0, 100)
	catchUp(t, cords.Of(l))
	want := read(t, cords.Of(l), allTime)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	p := cords.Of(l)
	if diff := cmp.Diff(want, read(t, p, allTime)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	before := l.Meters().Commit
	catchUp(t, p)
	if after := l.Meters().Commit; !slices.Equal(before.Counts, after.Counts) {
		t.Errorf("commits of what was counted: %v before, %v after", before.Counts, after.Counts)
	}
	days(t, l, crdt.Persistent, 100, 110)
	if pic := read(t, p, allTime); pic.Entries != 110 || pic.Cords[0].Entries != 110 {
		t.Errorf("%d entries after ten more", pic.Entries)
	}
}

// TestTimesOutside: a clock that was never set and one of the year 2262 do not make the window longer; they are before and after.
func TestTimesOutside(t *testing.T) {
	l := eventlogtest.Open(t)
	p := cords.Of(l)
	now := time.Now()
	for _, at := range []time.Time{time.Unix(0, 1), now.Add(-time.Hour), now, time.Unix(0, 1<<63-1), now.Add(48 * time.Hour)} {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k", Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		pic := read(t, p, cords.Window{})
		c := pic.Cords[0]
		if c.Before != 1 || c.After != 2 || c.Entries != 2 || pic.From != now.Add(-time.Hour).UnixMilli() || pic.To != now.UnixMilli()+1 || pic.First != 0 || pic.Last != (1<<63-1)/1_000_000 {
			t.Errorf("%d before, %d in and %d after %d to %d; all are from %d to %d", c.Before, c.Entries, c.After, pic.From, pic.To, pic.First, pic.Last)
		}
		catchUp(t, p)
	}
}
