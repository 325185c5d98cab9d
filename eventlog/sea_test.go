package eventlog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// sea is a log with all that a file can hold (feeds that fork, are trimmed and pruned, long and short ops, an index, a
// follower with state and times), the bytes of its file as they were at several moments, and a peer that holds all of it.
type sea struct {
	cfg    eventlog.Config
	moment [][]byte // what was in use of the file, the last one last
	size   int64    // of the file
	peer   *eventlog.Log
	all    map[string]string // what the peer shows
	shown  map[string]string // what the log shows
	told   map[string]string // the follower's state
	cursor uint64
}

const pageSize = 4096

// placeName is what the keys of the follower's state look like, see nameOf.
var placeName = regexp.MustCompile("[0-9a-f]{64}/[0-9]+@")

// newSea makes one, a bit different for each seed.
func newSea(t testing.TB, seed uint64) *sea {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 77))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &sea{cfg: eventlog.Config{Key: eventlogtest.Key("own"), Now: func() time.Time { return now },
		Trim: eventlog.TrimPolicy{MinAge: time.Hour, MinCount: 3}}}
	dir := t.TempDir()
	l := eventlog.Unsynced(eventlogtest.Create(t, dir, s.cfg))
	s.peer = eventlog.Unsynced(eventlogtest.OpenAs(t, "peer"))
	others := map[string]*eventlog.Log{}
	for _, name := range []string{"pruned", "small", "large"} {
		others[name] = eventlog.Unsynced(eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key(name), Now: s.cfg.Now}))
	}
	others["forked"], others["forked again"] = twice(t, rng, eventlog.Config{Key: eventlogtest.Key("forked"), Now: s.cfg.Now})
	step := func() {
		now = now.Add(time.Duration(rng.IntN(60)) * time.Minute)
		for _, name := range slices.Sorted(maps.Keys(others)) {
			most := map[string]int{"small": 30, "large": 30 << 10}[name]
			add(t, others[name], rng, 1+rng.IntN(6), most+100)
			eventlogtest.Exchange(t, others[name], s.peer)
			eventlogtest.Exchange(t, others[name], l)
		}
		add(t, l, rng, 1+rng.IntN(8), 3000)
		follow(t, l)
	}
	for i := range 12 {
		step()
		switch i % 4 {
		case 1:
			if _, err := others["pruned"].Prune(t.Context(), eventlog.PruneRequest{Keep: 2}); err != nil && !errors.Is(err, eventlog.ErrNothingToPrune) {
				t.Fatal(err)
			}
		case 2:
			must(t, l.CatchUpIndex(t.Context()))
		case 3:
			eventlogtest.Exchange(t, l, s.peer) // what it has not by now it gets at the end
			if _, err := l.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if i >= 6 {
			s.keep(t, dir)
		}
	}
	eventlogtest.Exchange(t, l, s.peer)
	s.keep(t, dir)
	s.all, s.shown = entries(t, s.peer), entries(t, l)
	s.told, s.cursor = toldTo(t, l)
	must(t, l.Close())
	s.keep(t, dir)
	return s
}

// twice returns two logs that one key writes, with the same beginning.
func twice(t testing.TB, rng *rand.Rand, cfg eventlog.Config) (one, two *eventlog.Log) {
	t.Helper()
	from, to := t.TempDir(), t.TempDir()
	l := eventlogtest.Create(t, from, cfg)
	add(t, l, rng, 4, 60)
	must(t, l.Close())
	must(t, os.CopyFS(to, os.DirFS(from)))
	must(t, os.Remove(filepath.Join(to, "quipu.db.seen")))
	eventlogtest.Disguise(t, to)
	return eventlog.Unsynced(eventlogtest.Reopen(t, from, cfg)), eventlog.Unsynced(eventlogtest.Reopen(t, to, cfg))
}

// keep keeps what is in use of the file as it is now.
func (s *sea) keep(t testing.TB, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "quipu.db"))
	must(t, err)
	const highWater = 16 + 40
	s.size = int64(len(b))
	s.moment = append(s.moment, b[:binary.NativeEndian.Uint64(metaOf(b)[highWater:])*pageSize])
}

// metaOf returns the newest meta of a file.
func metaOf(b []byte) []byte {
	const transaction = 16 + 48
	if binary.NativeEndian.Uint64(b[pageSize+transaction:]) > binary.NativeEndian.Uint64(b[transaction:]) {
		return b[pageSize:]
	}
	return b
}

// rootOf returns the page of the newest root.
func rootOf(b []byte) uint64 { return binary.NativeEndian.Uint64(metaOf(b)[16+16:]) }

func (s *sea) now() []byte { return s.moment[len(s.moment)-1] }

// add appends n entries of up to so many bytes, some together, half of them trimmable.
func add(t testing.TB, l *eventlog.Log, rng *rand.Rand, n, most int) {
	t.Helper()
	for n > 0 {
		batch := make([]crdt.Event, min(n, 1+rng.IntN(3)))
		for i := range batch {
			payload := make([]byte, rng.IntN(most))
			for j := range payload {
				payload[j] = byte(rng.Uint32())
			}
			batch[i] = crdt.Event{Kind: fmt.Sprint("kind-", rng.IntN(3)), Subject: fmt.Sprint("subject-", rng.IntN(30)),
				ContentType: "application/octet-stream", Payload: payload, Retention: crdt.Retention(rng.IntN(2))}
			if id := l.Feed(l.Author()).Next() + uint64(i); id%3 == 0 {
				batch[i].Headers = []crdt.EventHeader{{Name: eventlog.HeaderID, Value: fmt.Sprint(id)}}
			}
		}
		n -= len(batch)
		if _, err := l.AppendBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

// entries returns what a log shows, by place and op.
func entries(t testing.TB, l *eventlog.Log) map[string]string {
	t.Helper()
	all := map[string]string{}
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		must(t, err)
		all[nameOf(e)] = string(e.Payload)
	}
	return all
}

func nameOf(e eventlog.Entry) string { return fmt.Sprintf("%s/%d@%s", e.Author, e.Seq, e.Op) }

// follow is a follower that counts how often it was given each entry, in its state.
func follow(t testing.TB, l *eventlog.Log) {
	t.Helper()
	for more := true; more; {
		_, cursor := toldTo(t, l)
		var batch []eventlog.Entry
		for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, FromOffset: cursor, Limit: 20}) {
			must(t, err)
			batch = append(batch, e)
		}
		more = len(batch) > 0
		must(t, l.Update(t.Context(), func(tx *eventlog.Tx) error {
			b, err := tx.Bucket("f"), error(nil)
			for _, e := range batch {
				n := string(b.Get([]byte(nameOf(e))))
				err = errors.Join(err, b.Put([]byte(nameOf(e)), []byte(n+"x")), tx.SetCursor("f", e.Offset+1))
			}
			return err
		}))
	}
}

// toldTo returns the follower's state and cursor.
func toldTo(t testing.TB, l *eventlog.Log) (state map[string]string, cursor uint64) {
	t.Helper()
	state = map[string]string{}
	must(t, l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		for k, v := range tx.Bucket("f").Ascend(nil) {
			state[string(k)] = string(v)
		}
		cursor, _ = tx.Cursor("f")
		return nil
	}))
	return state, cursor
}

// wreck changes the bytes of the file at random, and says how, and whether a page has changed that has some of the
// follower's state or of its cursor: what a program keeps beside the log has no sum of its own.
func (s *sea) wreck(rng *rand.Rand) (b []byte, size int64, how []string, state bool) {
	b, size = bytes.Clone(s.now()), s.size
	pages := len(b) / pageSize
	touch := func(at int) []byte {
		how = append(how, fmt.Sprint("page ", at))
		was := s.now()[at*pageSize : (at+1)*pageSize]
		state = state || bytes.Contains(was, []byte("followers")) || placeName.Match(was)
		return b[at*pageSize : (at+1)*pageSize]
	}
	page := func() []byte { return touch(rng.IntN(pages)) }
	for range 1 + rng.IntN(1+rng.IntN(12)) {
		kind := rng.IntN(8)
		how = append(how, fmt.Sprint("kind ", kind))
		switch p := page(); kind {
		case 0:
			p[rng.IntN(pageSize)] ^= 1 << rng.IntN(8)
		case 1:
			clear(p)
		case 2:
			clear(p[512*rng.IntN(8):][:512])
		case 3: // as it was at another moment
			was := s.moment[rng.IntN(len(s.moment))]
			at := rng.IntN(min(pages, len(was)/pageSize))
			copy(touch(at), was[at*pageSize:])
		case 4: // two change places
			q, other := bytes.Clone(p), page()
			copy(p, other)
			copy(other, q)
		case 5:
			copy(p, page())
		case 6:
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
		case 7:
			if rng.IntN(4) == 0 { // a meta
				clear(b[pageSize*rng.IntN(2):][:64])
			} else if rng.IntN(4) == 0 { // it ends here
				size = int64(rng.IntN(len(b)))
			}
		}
	}
	return b[:min(int64(len(b)), size)], size, how, state
}

// flood writes a file of these bytes, and returns its folder.
func flood(t testing.TB, b []byte, size int64) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "quipu.db")
	must(t, os.WriteFile(path, b, 0o600))
	must(t, os.Truncate(path, size))
	return dir
}

// lacks returns a key of all that is not in of, or has another value there; "" for none.
func lacks(of, all map[string]string) string {
	for k, v := range all {
		if got, ok := of[k]; !ok || got != v {
			return k
		}
	}
	return ""
}
