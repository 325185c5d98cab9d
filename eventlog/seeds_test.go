package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestTheSequenceGoesOnAfterARestart: system A began its sequence at 1 again after a restart, and what
// was replayed came in a wrong order. Here the wall clock stands an hour earlier at each restart, too.
func TestTheSequenceGoesOnAfterARestart(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	eventlogtest.Create(t, dir, cfg).Close()
	now := noon
	cfg.Now = func() time.Time { return now }
	var want []string
	for range 4 {
		l := eventlogtest.Reopen(t, dir, cfg)
		for range 3 {
			p := mustAppend(t, l, fmt.Sprint(len(want)))
			if p.Seq != uint64(len(want)) {
				t.Fatalf("entry %d has place %v", len(want), p)
			}
			want = append(want, fmt.Sprint(len(want)))
		}
		now = now.Add(-time.Hour)
		for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal, eventlog.Arrival} {
			if diff := cmp.Diff(want, texts(t, l, eventlog.Query{Order: order})); diff != "" {
				t.Errorf("replay in %s order (-want +got):\n%s", order, diff)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsNotStoredIsAnErrorAndShownToNobody: system A applied an op and sent it to others first, then
// handed it to a queue that would store it, and swallowed the error when the queue did not take it.
func TestWhatIsNotStoredIsAnErrorAndShownToNobody(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, "stored")
	frontier, root, changed := l.Frontier(), l.Root(), l.Changed()
	big := crdt.Event{Kind: "big", ContentType: "text/plain", Payload: make([]byte, crdt.MaxPayload)}
	run := crdt.Run{Ops: newStranger(t, "s").chain(crdt.Op{}, 200, strings.Repeat("s", 1<<10))}

	eventlog.Bolt(l).MaxSize = 1 // the file cannot grow
	if p, err := l.Append(t.Context(), big); !errors.Is(err, bolterrors.ErrMaxSizeReached) || p != (crdt.Place{}) {
		t.Errorf("append: %v, %v", p, err)
	}
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error { _, err := tx.Append(big); return err })
	if !errors.Is(err, bolterrors.ErrMaxSizeReached) {
		t.Errorf("update: %v", err)
	}
	if out, err := l.Apply(t.Context(), []crdt.Run{run}); !errors.Is(err, bolterrors.ErrMaxSizeReached) || out != nil {
		t.Errorf("apply: %v, %v", out, err)
	}
	wantTexts(t, l, "stored")
	if s := l.Stats(); !l.Frontier().Equal(frontier) || l.Root() != root || s.Next != 1 || s.Applied != (eventlog.Applied{}) {
		t.Errorf("what is not stored is told of: %v, %+v", l.Frontier(), s)
	}
	select {
	case <-changed:
		t.Error("readers were woken for nothing")
	default:
	}

	eventlog.Bolt(l).MaxSize = 0
	if p, err := l.Append(t.Context(), big); err != nil || p.Seq != 1 {
		t.Errorf("append with room: %v, %v", p, err)
	}
	if out := apply(t, l, run.Ops...); out.Ops != len(run.Ops) {
		t.Errorf("apply with room: %+v", out)
	}
}

// TestNoReaderHoldsTheWholeLog: systems A and B read a log by copying all of it to memory, and system B
// could run out of that.
func TestNoReaderHoldsTheWholeLog(t *testing.T) {
	const entries, payload, most = 800, 16 << 10, 4 << 20 // 12.5 MiB in all
	l := eventlog.Unsynced(eventlogtest.Open(t))
	batch := make([]crdt.Event, 100)
	for i := range batch {
		batch[i] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte(i)}, payload)}
	}
	for range entries / len(batch) {
		if _, err := l.AppendBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	clear(batch)
	for name, q := range map[string]eventlog.Query{
		"author": {}, "causal": {Order: eventlog.Causal}, "arrival": {Order: eventlog.Arrival}, "last to first": {Reverse: true},
	} {
		before, n := heap(), 0
		for _, err := range l.Entries(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%(entries/2) == 0 {
				if now := heap(); now > before+most {
					t.Errorf("%s: after %d entries %d KiB more are held", name, n, (now-before)>>10)
				}
			}
		}
		if n != entries {
			t.Errorf("%s: %d entries", name, n)
		}
	}
}

// heap returns the bytes that are in use once the garbage is gone.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestALogIsReadByFilterByPageAndFromACursor: system A had none of them, so that whoever wanted one
// subject, the next hundred entries or what was new read all there was.
func TestALogIsReadByFilterByPageAndFromACursor(t *testing.T) {
	l := eventlogtest.Open(t)
	var mine []string
	for i := range 60 {
		e := note(fmt.Sprint(i))
		e.Kind, e.Module, e.Subject = fmt.Sprint("kind", i%2), fmt.Sprint("module", i%3), fmt.Sprint("subject", i%5)
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 && i%3 == 2 {
			mine = append(mine, fmt.Sprint(i))
		}
	}
	q := eventlog.Query{Kinds: []string{"kind1"}, Modules: []string{"module2"}}
	if diff := cmp.Diff(mine, texts(t, l, q)); diff != "" {
		t.Errorf("by kind and module (-want +got):\n%s", diff)
	}
	q.Subjects = []string{"subject1"}
	if diff := cmp.Diff([]string{"11", "41"}, texts(t, l, q)); diff != "" {
		t.Errorf("by subject, too (-want +got):\n%s", diff)
	}

	q.Subjects, q.Limit, q.Order = nil, 3, eventlog.Arrival
	var paged []string
	var offset uint64
	for more := true; more && len(paged) <= len(mine); more = q.Page != "" {
		page, next, err := l.Page(t.Context(), q)
		if err != nil || len(page) > q.Limit {
			t.Fatalf("a page of %d: %v", len(page), err)
		}
		for _, e := range page {
			paged = append(paged, strings.Trim(string(e.Payload), `"`))
			offset = e.Offset
		}
		q.Page = next
	}
	if diff := cmp.Diff(mine, paged); diff != "" {
		t.Errorf("by pages (-want +got):\n%s", diff)
	}
	mustAppend(t, l, "new")
	q = eventlog.Query{Order: eventlog.Arrival, FromOffset: offset + 1}
	if diff := cmp.Diff([]string{"new"}, texts(t, l, q)); diff != "" {
		t.Errorf("from where the last page ended (-want +got):\n%s", diff)
	}
}

// TestOpeningReadsNoEntries: system A replayed all that it had when it started, and took 335 seconds for
// 259,000 ops. Here none but the last op is read: it opens though no other can be.
func TestOpeningReadsNoEntries(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	l := eventlog.Unsynced(eventlogtest.Create(t, dir, cfg))
	for i := range 100 {
		mustAppend(t, l, fmt.Sprint(i))
	}
	eventlogtest.Exchange(t, stranger100(t), l)
	spoilAllButTheLast(t, l)
	want := l.Stats()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l, err := eventlog.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := l.Stats(); got.Entries != want.Entries || got.Next != want.Next || got.ReadOnly != nil || got.Applied != (eventlog.Applied{}) {
		t.Errorf("opened as %+v, closed as %+v", got, want)
	}
	if p := mustAppend(t, l, "more"); p.Seq != 100 {
		t.Errorf("append: %v", p)
	}
	for _, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if _, ok := errors.AsType[*eventlog.DamagedError](err); !ok {
			t.Fatalf("the entries can be read: %v: this test shows nothing", err)
		}
		return
	}
	t.Error("no entries")
}

// stranger100 returns the log of another, with 100 entries.
func stranger100(t *testing.T) *eventlog.Log {
	other := eventlog.Unsynced(eventlogtest.OpenAs(t, "s"))
	for i := range 100 {
		mustAppend(t, other, fmt.Sprint(i))
	}
	return other
}

// spoilAllButTheLast makes every op of every author unreadable, save their last ones.
func spoilAllButTheLast(t *testing.T, l *eventlog.Log) {
	t.Helper()
	spoiled := 0
	err := eventlog.Bolt(l).Update(func(tx *bbolt.Tx) error {
		ops := tx.Bucket([]byte("ops"))
		return ops.ForEachBucket(func(author []byte) error {
			feed := ops.Bucket(author)
			var all [][]byte
			err := feed.ForEach(func(k, _ []byte) error {
				if len(k) == 8+32 { // of an op
					all = append(all, bytes.Clone(k))
				}
				return nil
			})
			for _, k := range all[:len(all)-1] {
				err = errors.Join(err, feed.Put(k, []byte("spoiled")))
				spoiled++
			}
			return err
		})
	})
	if err != nil || spoiled < 150 {
		t.Fatalf("%d ops are spoiled: %v", spoiled, err)
	}
}

// TestAShortLogKeepsItsFirstEntry: a trim of system C could take entry 0 of a log that was shorter than
// what was to be kept.
func TestAShortLogKeepsItsFirstEntry(t *testing.T) {
	k := newKeeper(t, "keeper")
	for n := uint64(1); n <= 10; n++ {
		k.add(crdt.Trimmable, 1)
		k.now = k.now.AddDate(0, 0, 1)
		if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Entries > 0 {
			t.Errorf("of %d entries %d were trimmed", n, report.Trimmed.Entries)
		}
	}
	if seqs, _ := k.held(eventlog.Query{}); !slices.Equal(seqs, between(0, 10)) {
		t.Errorf("held: %v", seqs)
	}
	k.add(crdt.Trimmable, 1)
	if report := k.trim(eventlog.TrimOptions{}); report.Trimmed.Entries != 1 {
		t.Errorf("of 11 entries %d were trimmed", report.Trimmed.Entries)
	}
}

// TestNoFollowerWaitsForWhatIsTrimmedOrPruned: in system C a follower without a cursor, and one that was
// behind the trim, waited for ever.
func TestNoFollowerWaitsForWhatIsTrimmedOrPruned(t *testing.T) {
	for class, forget := range map[crdt.Retention]func(k *keeper){
		crdt.Trimmable:  func(k *keeper) { k.trim(eventlog.TrimOptions{}) },
		crdt.Persistent: func(k *keeper) { k.prune(eventlog.PruneRequest{Below: 20}); k.trim(eventlog.TrimOptions{}) },
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeeper(t, "keeper")
			cfg := eventlog.FollowConfig{DoesNotHold: true, Kinds: []string{"test.note"}}
			k.add(class, 5)
			catchUp(t, k.Log, "behind", cfg, keep("behind"))
			k.add(class, 25)
			k.now = k.now.Add(2 * time.Hour)
			forget(k)
			for name, at := range map[string]uint64{"behind": 5, "without a cursor": 0} {
				err := k.Follow(t.Context(), name, cfg, keep(name))
				trimmed, ok := errors.AsType[*eventlog.TrimmedError](err)
				if !ok || trimmed.Offset != 20 || trimmed.Gone != 20-at || trimmed.Pruned != (class == crdt.Persistent) {
					t.Errorf("%s entries, %s: %v", class, name, err)
				}
				if err := k.ResetFollower(t.Context(), name, 20); err != nil {
					t.Fatal(err)
				}
				catchUp(t, k.Log, name, cfg, keep("what is left for one "+name))
				wantKept(t, k.Log, "what is left for one "+name, "20 21 22 23 24 25 26 27 28 29|")
			}
		})
	}
}

// TestWritersNeedNoStagingTableAndNoOrderingTask: in system B those who wrote at once put entries into a
// table, from which a task took them to put them into order, though its store had one writer anyway.
// Here an entry has its number, its offset and its one place in the file when Append returns.
func TestWritersNeedNoStagingTableAndNoOrderingTask(t *testing.T) {
	const writers, each = 12, 5
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					text := fmt.Sprintf("%d/%d", w, i)
					p := mustAppend(t, l, text)
					if got := texts(t, l, eventlog.Query{Order: eventlog.Arrival, FromOffset: p.Seq, Limit: 1}); !slices.Equal(got, []string{text}) {
						t.Errorf("%v: %s was appended, and there is %s", p, text, got)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if task := tasks(); task != "" {
			t.Errorf("the log goes on working when all is appended:\n%s", task)
		}
	})
}

// tasks returns the stack of a goroutine of this bubble that a log has started, or nothing.
func tasks() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		header, _, _ := strings.Cut(stack, "\n")
		if strings.Contains(header, "synctest bubble") && strings.Contains(stack, "created by github.com/quipulog/quipu/eventlog.") {
			return stack
		}
	}
	return ""
}
