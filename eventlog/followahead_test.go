package eventlog_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// readings returns how many transactions of the file have read so far.
func readings(l *eventlog.Log) int { s := eventlog.Bolt(l).Stats(); return s.TxN }

// readsBeside follows l to its end and returns how many transactions had read when each batch was handled and nothing
// went on beside it.
func readsBeside(t *testing.T, l *eventlog.Log, cfg eventlog.FollowConfig) (reads []int) {
	t.Helper()
	cfg.Until = new(l.Stats().Next)
	begun := readings(l)
	err := l.Follow(t.Context(), "f", cfg, func(*eventlog.Tx, []eventlog.Entry) error {
		synctest.Wait()
		reads = append(reads, readings(l)-begun)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return reads
}

// TestTheNextBatchIsReadMeanwhile has read the last batch when the one before it is handled.
func TestTheNextBatchIsReadMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const batches, most = 5, 1000 // of some 300 KB each
		l := eventlogtest.Open(t)
		for i := range batches {
			var events []crdt.Event
			for j := range most {
				events = append(events, event300(i*most+j))
			}
			appendAll(t, l, events)
		}
		reads := readsBeside(t, l, eventlog.FollowConfig{MaxEntries: most})
		if len(reads) != batches {
			t.Fatalf("%d batches, want %d", len(reads), batches)
		}
		for i := range reads[1:] {
			if more := reads[i+1] > reads[i]; more != (i+2 < batches) {
				t.Errorf("after batch %d: %d chunks read, after the next one %d", i, reads[i], reads[i+1])
			}
		}
	})
}

// TestReadingMeanwhileIsBounded handles large entries one by one: a mebibyte of what follows is read beside them, and
// no more where they are handled slowly.
func TestReadingMeanwhileIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, entries = 256 << 10, 16 // each of which fills a chunk
		l := eventlogtest.Open(t)
		for range entries {
			appendAll(t, l, []crdt.Event{{Kind: "large", ContentType: "a/b", Payload: make([]byte, size)}})
		}
		reads := readsBeside(t, l, eventlog.FollowConfig{MaxBytes: 1})
		if len(reads) != entries {
			t.Fatalf("%d batches, want %d", len(reads), entries)
		}
		for i, n := range reads {
			// One transaction has read the cursor.
			if ahead, most := n-1-(i+1), (1<<20)/size; ahead > most || i == 0 && ahead < most-1 {
				t.Errorf("%d chunks read ahead of entry %d, want up to %d", ahead, i, most)
			}
		}
	})
}

// TestBatchesAreTheHandlers keeps all batches, and lets them grow: none of that shows in another.
func TestBatchesAreTheHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, most := range []int{1, 3, 500, 65_536} {
			const n = 1300
			l := eventlogtest.Open(t)
			appendAll(t, l, numbered(0, n))
			var kept [][]eventlog.Entry
			err := l.Follow(t.Context(), "f", eventlog.FollowConfig{MaxEntries: most, Until: new(uint64(n))}, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
				kept = append(kept, batch)
				_ = append(batch, eventlog.Entry{Offset: 1 << 40})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			at := uint64(0)
			for _, batch := range kept {
				for _, e := range batch {
					if e.Offset != at || e.Seq != at {
						t.Fatalf("at most %d a batch: entry %d at offset %d, want %d", most, e.Seq, e.Offset, at)
					}
					at++
				}
			}
			if at != n {
				t.Errorf("at most %d a batch: %d entries, want %d", most, at, n)
			}
		}
	})
}

// TestFollowingAllocatesNothingAnEntry catches up with many entries: what is allocated is for batches and chunks.
func TestFollowingAllocatesNothingAnEntry(t *testing.T) {
	const n = 10_000
	l := eventlogtest.Open(t)
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = event300(i)
	}
	appendAll(t, l, events)
	runs := 0
	allocs := testing.AllocsPerRun(2, func() {
		runs++
		handled := 0
		err := l.Follow(t.Context(), fmt.Sprint(runs), eventlog.FollowConfig{Until: new(uint64(n))}, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
			handled += len(batch)
			return nil
		})
		if err != nil || handled != n {
			t.Fatalf("%d entries handled, %v", handled, err)
		}
	})
	if allocs > n/2 {
		t.Errorf("%.0f allocations for %d entries", allocs, n)
	}
}
