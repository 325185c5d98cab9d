package eventlog

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// spoiled is a log in which one thing is made wrong, by hand.
type spoiled struct {
	t      *testing.T
	author crdt.Author
	key    ed25519.PrivateKey
	ops    []crdt.Op // of the author, in arrival order from offset 0
}

// TestVerifyFinds spoils one thing after the other.
func TestVerifyFinds(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(s *spoiled, tx *bbolt.Tx)
		want  string
	}{
		{"nothing", func(*spoiled, *bbolt.Tx) {}, ""},
		{"an op is gone", func(s *spoiled, tx *bbolt.Tx) { s.delete(s.bucket(tx), s.opKey(1)) }, "names one that is not held"},
		{"the last op is gone", func(s *spoiled, tx *bbolt.Tx) { s.delete(s.bucket(tx), s.opKey(3)) }, "it ends at"},
		{"an op has another offset", func(s *spoiled, tx *bbolt.Tx) {
			s.put(s.bucket(tx), s.opKey(1), record.NewOp(nil, 0, s.ops[1]))
		}, "is not what arrived at its offset"},
		{"an op is from the future", func(s *spoiled, tx *bbolt.Tx) {
			s.put(s.bucket(tx), s.opKey(1), record.NewOp(nil, 99, s.ops[1]))
		}, "where the log ends at 4"},
		{"an op stands in another's place", func(s *spoiled, tx *bbolt.Tx) {
			s.put(s.bucket(tx), s.opKey(1), record.NewOp(nil, 1, s.ops[2]))
		}, "it is op"},
		{"an op is of another log", func(s *spoiled, tx *bbolt.Tx) { s.replaceLast(tx, crdt.LogID{1}, s.ops[3].Clock) }, "is of log"},
		{"a clock goes back", func(s *spoiled, tx *bbolt.Tx) { s.replaceLast(tx, s.ops[0].Log, 1) }, "does not follow"},
		{"a head is not signed", func(s *spoiled, tx *bbolt.Tx) {
			b := append([]byte(nil), s.ops[3].Bytes()...)
			b[len(s.ops[3].Signed.Bytes())-1] ^= 1
			op, err := crdt.ParseOp(b)
			s.must(err)
			s.delete(s.bucket(tx), s.opKey(3))
			s.ops[3] = op
			s.put(s.bucket(tx), s.opKey(3), record.NewOp(nil, 3, op))
			s.putLastArrivalAndRecord(tx)
		}, "signature does not verify"},
		{"a body was exchanged before its sum was made", func(s *spoiled, tx *bbolt.Tx) {
			s.put(s.bucket(tx), s.opKey(1), record.NewOp(nil, 1, s.exchanged(1)))
		}, "body does not match its header"},
		{"an arrival is gone", func(s *spoiled, tx *bbolt.Tx) {
			k := record.Offset(2)
			s.delete(tx.Bucket(bucketArrivals), k[:])
		}, "1 offsets have no arrival"},
		{"an arrival names no op", func(s *spoiled, tx *bbolt.Tx) {
			k := record.Offset(2)
			a := record.Arrival{Offset: 2, Author: s.author, Key: crdt.Key{First: 77}, Count: 1}
			s.put(tx.Bucket(bucketArrivals), k[:], a.Encode())
		}, "is not held"},
		{"an arrival has too many entries", func(s *spoiled, tx *bbolt.Tx) {
			k := record.Offset(2)
			a := record.Arrival{Offset: 2, Author: s.author, Key: s.ops[2].Key(), Count: 2}
			s.put(tx.Bucket(bucketArrivals), k[:], a.Encode())
		}, "with 2 entries is not held"},
		{"an op has arrived twice, in another's place", func(s *spoiled, tx *bbolt.Tx) { s.arriveAgain(tx, 1, 2) }, "has arrived twice: it has the offset 1"},
		{"a record counts wrong", func(s *spoiled, tx *bbolt.Tx) {
			s.record(tx, func(f *record.Feed) { f.Ops = 5 })
		}, "where its record says 5 with 4"},
		{"a record counts other bytes", func(s *spoiled, tx *bbolt.Tx) {
			s.record(tx, func(f *record.Feed) { f.Bytes = 7 })
		}, "bytes where its record says 7"},
		{"a record misses bodies that are there", func(s *spoiled, tx *bbolt.Tx) {
			s.record(tx, func(f *record.Feed) { f.Trimmed = 2 })
		}, "0 entries without bodies where its record says 2"},
		{"a record knows another head", func(s *spoiled, tx *bbolt.Tx) {
			s.record(tx, func(f *record.Feed) { f.Feed.Branches[0].Head.ID = crdt.OpID{1} })
		}, "it ends at"},
	} {
		t.Run(test.name, func(t *testing.T) { testVerifyFinds(t, test.spoil, test.want) })
	}
}

func testVerifyFinds(t *testing.T, spoil func(*spoiled, *bbolt.Tx), want string) {
	report, err := spoiledLog(t, spoil).Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want == "" {
		if !report.OK() || report.Ops != 4 || report.Entries != 4 || report.Authors != 1 || report.Pages == 0 {
			t.Errorf("report: %s: %v", &report, report.Problems)
		}
		return
	}
	if report.OK() || !strings.Contains(fmt.Sprint(report.Problems), want) {
		t.Errorf("problems: %v, want one that says %q", report.Problems, want)
	}
}

// spoiledLog returns a log with four ops of another author, opened after something was made wrong in its file.
func spoiledLog(t *testing.T, spoil func(*spoiled, *bbolt.Tx)) *Log {
	dir, cfg, s := spoiledFile(t, spoil)
	l, err := Open(dir, cfg)
	s.must(err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// spoiledFile makes the file of spoiledLog.
func spoiledFile(t *testing.T, spoil func(*spoiled, *bbolt.Tx)) (dir string, cfg Config, s *spoiled) {
	dir = t.TempDir()
	genesis := crdt.Genesis{}
	seed := func(b byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(append(make([]byte, 31), b)) }
	cfg = Config{Key: seed(1)}
	l, err := Create(dir, Birth{Genesis: &genesis}, cfg)
	s = &spoiled{t: t, key: seed(2)}
	s.must(err)
	s.author = crdt.AuthorOf(s.key)
	for i := range 4 {
		s.ops = append(s.ops, s.op(l.ID(), crdt.Clock(10+i)))
	}
	outcomes, err := l.Apply(t.Context(), []crdt.Run{{Ops: s.ops}})
	s.must(err)
	if outcomes[0].Ops != 4 {
		t.Fatalf("outcome: %+v", outcomes[0])
	}
	s.must(l.Close())

	db, err := bbolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	s.must(err)
	s.must(db.Update(func(tx *bbolt.Tx) error { spoil(s, tx); return nil }))
	s.must(db.Close())
	return dir, cfg, s
}

func (s *spoiled) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// op returns the op after the last one.
func (s *spoiled) op(log crdt.LogID, clock crdt.Clock) crdt.Op {
	h := crdt.Header{Log: log, Clock: clock}
	if n := len(s.ops); n > 0 {
		h.First, h.Prev = s.ops[n-1].Next(), s.ops[n-1].ID
	}
	draft, err := crdt.NewDraft(crdt.Event{Kind: "k", Time: crdt.NewClock(1, 0).Time()})
	s.must(err)
	op, err := crdt.Seal(s.key, h, []crdt.Draft{draft})
	s.must(err)
	return op
}

// exchanged returns an op with a body that its header was not made for.
func (s *spoiled) exchanged(i int) crdt.Op {
	b := bytes.Clone(s.ops[i].Bytes())
	b[bytes.LastIndexByte(b, 'k')] = 'x' // the kind of its entry
	op, err := crdt.ParseOp(b)
	s.must(err)
	return op
}

func (s *spoiled) bucket(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket(bucketOps).Bucket(s.author[:]) }

func (s *spoiled) opKey(i int) []byte {
	k := record.OpKey(s.ops[i].Key())
	return k[:]
}

func (s *spoiled) put(b *bbolt.Bucket, k, v []byte) { s.must(b.Put(k, v)) }

func (s *spoiled) delete(b *bbolt.Bucket, k []byte) { s.must(b.Delete(k)) }

// arriveAgain has an op arrive at an offset that is not its own.
func (s *spoiled) arriveAgain(tx *bbolt.Tx, op int, at uint64) {
	k := record.Offset(at)
	a := record.Arrival{Offset: at, Author: s.author, Key: s.ops[op].Key(), Count: 1}
	s.put(tx.Bucket(bucketArrivals), k[:], a.Encode())
}

// record changes the feed's record.
func (s *spoiled) record(tx *bbolt.Tx, change func(*record.Feed)) {
	feeds := tx.Bucket(bucketFeeds)
	f, err := record.ParseFeed(s.author, feeds.Get(s.author[:]))
	s.must(err)
	change(f)
	s.put(feeds, s.author[:], f.Encode(s.author))
}

// replaceLast puts another op in the place of the last, everywhere.
func (s *spoiled) replaceLast(tx *bbolt.Tx, log crdt.LogID, clock crdt.Clock) {
	s.delete(s.bucket(tx), s.opKey(3))
	s.ops = s.ops[:3]
	s.ops = append(s.ops, s.op(log, clock))
	s.put(s.bucket(tx), s.opKey(3), record.NewOp(nil, 3, s.ops[3]))
	s.putLastArrivalAndRecord(tx)
}

func (s *spoiled) putLastArrivalAndRecord(tx *bbolt.Tx) {
	last := s.ops[3]
	k := record.Offset(3)
	a := record.Arrival{Offset: 3, Author: s.author, Key: last.Key(), Count: 1}
	s.put(tx.Bucket(bucketArrivals), k[:], a.Encode())
	s.record(tx, func(f *record.Feed) { f.Feed.Branches[0].Head, f.Feed.Branches[0].Clock = last.Head(), last.Clock })
}

// TestVerifyTellsHowFarItIs: of each part it is told in order, and of the entries to the last.
func TestVerifyTellsHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	buildForReading(t, dir, 3, 50, 12_000)
	l, err := Open(dir, Config{Key: testKey("who reads")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.CatchUpIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	var units []string
	told, last := map[string]int{}, map[string]uint64{}
	report, err := l.VerifyWith(t.Context(), VerifyOptions{Progress: func(done, total uint64, unit string) {
		if told[unit]++; told[unit] == 1 {
			units = append(units, unit)
		}
		if unit != units[len(units)-1] || done < last[unit] || done > total {
			t.Errorf("%d of %d %s after %d, the last was of %s", done, total, unit, last[unit], units[len(units)-1])
		}
		last[unit] = done
	}})
	if err != nil || !report.OK() || report.Entries != 12_000 {
		t.Fatal(report.String(), err)
	}
	if want := []string{"pages", "entries", "indexed entries"}; !slices.Equal(units, want) {
		t.Errorf("units %q, want %q", units, want)
	}
	if told["entries"] < 3 || last["entries"] != report.Entries {
		t.Errorf("told %d times of 4 MB of entries, up to %d", told["entries"], last["entries"])
	}
}

// TestVerifyKeepsFewFeedsInMemory: of many feeds those of two chunks are checked at a time, and none is left in the end.
func TestVerifyKeepsFewFeedsInMemory(t *testing.T) {
	const authors = 300
	dir := t.TempDir()
	buildForReading(t, dir, authors, 50, authors*50)
	onceOpen(t, dir, func(l *Log) error {
		var report Report
		ops := newOpsCheck(l.store, l.store.state.Feeds, l.store.state.Next, &report)
		underWay := func() (n int) {
			for _, f := range ops.feeds {
				if f.check != nil {
					n++
				}
			}
			return n
		}
		chunks, most := 0, underWay()
		ops.told = func(uint64) { chunks, most = chunks+1, max(most, underWay()) }
		if err := ops.run(t.Context()); err != nil {
			return err
		}
		if !report.OK() || report.Authors != authors || chunks < 4 || most > authors/2 || underWay() > 0 {
			t.Errorf("%s: %d feeds were under way at a time in %d chunks, %d in the end", &report, most, chunks, underWay())
		}
		return nil
	})
}

// TestVerifyNamesHoles: an op that is spoiled in its place and one that is missing behind it are one hole of a feed, whose
// other ops are verified, and whose arrivals are no second problem.
func TestVerifyNamesHoles(t *testing.T) {
	testHoles := func(t *testing.T, spoil func(*spoiled, *bbolt.Tx), want ...[2]uint64) {
		l := spoiledLog(t, spoil)
		report, err := l.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var holes [][2]uint64
		entries := uint64(4)
		for _, h := range report.Holes {
			holes = append(holes, [2]uint64{h.From, h.Upto})
			entries -= h.Upto - h.From
		}
		if !slices.Equal(holes, want) || report.Entries != entries || report.OK() {
			t.Errorf("holes %v, want %v: %s: %v", holes, want, report.String(), report.Problems)
		}
		for _, p := range report.Problems {
			if p.Author.IsZero() {
				t.Errorf("a problem of no feed: %s", p)
			}
		}
	}
	t.Run("spoiled and missing", func(t *testing.T) {
		testHoles(t, func(s *spoiled, tx *bbolt.Tx) {
			s.put(s.bucket(tx), s.opKey(1), []byte("short"))
			s.delete(s.bucket(tx), s.opKey(2))
		}, [2]uint64{1, 3})
	})
	t.Run("two", func(t *testing.T) {
		testHoles(t, func(s *spoiled, tx *bbolt.Tx) {
			s.delete(s.bucket(tx), s.opKey(1))
			s.put(s.bucket(tx), s.opKey(3), record.NewOp(nil, 3, s.ops[2]))
		}, [2]uint64{1, 2}, [2]uint64{3, 4})
	})
	t.Run("all but the last", func(t *testing.T) {
		testHoles(t, func(s *spoiled, tx *bbolt.Tx) {
			for i := range 3 {
				s.delete(s.bucket(tx), s.opKey(i))
			}
		}, [2]uint64{0, 3})
	})
}

// TestSalvageMendsWhatHasArrivedTwice: each op keeps the offset that its value has, though the arrival of another stands
// there, and one that stands nowhere else goes.
func TestSalvageMendsWhatHasArrivedTwice(t *testing.T) {
	for name, again := range map[string][][2]int{
		"in the next one's place":  {{1, 2}},
		"in the place of the last": {{2, 1}},
		"behind all others":        {{3, 4}},
		"twice":                    {{0, 2}, {0, 1}},
		"each for another":         {{0, 1}, {1, 2}, {2, 3}, {3, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cfg, s := spoiledFile(t, func(s *spoiled, tx *bbolt.Tx) {
				for _, arrival := range again {
					s.arriveAgain(tx, arrival[0], uint64(arrival[1]))
				}
			})
			report, err := Salvage(t.Context(), dir, cfg, nil)
			s.must(err)
			if report.Ops != 4 || report.Next != 4 || len(report.Lost)+len(report.Holes) > 0 || report.Again != math.MaxUint64 {
				t.Errorf("salvaged: %+v", report)
			}
			l, err := Open(dir, cfg)
			s.must(err)
			defer l.Close()
			whole, err := l.Verify(t.Context())
			if err != nil || !whole.OK() || whole.Ops != 4 {
				t.Fatalf("%s: %v, %v", &whole, whole.Problems, err)
			}
			for e, err := range l.Entries(t.Context(), Query{Order: Arrival}) {
				s.must(err)
				if e.Offset != e.Seq {
					t.Errorf("entry %d has the offset %d", e.Seq, e.Offset)
				}
			}
		})
	}
}
