package salvage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// ErrNothing is returned by [Run] for a file that has neither a meta nor an op of any log.
var ErrNothing = errors.New("no op and no meta of a log is left in the file")

// ErrAuthor is returned by [Run] for a file that another author has written.
var ErrAuthor = errors.New("the file is another author's")

// Options say what is salvaged, and where to.
type Options struct {
	From   *disk.Remains
	Author crdt.Author // who writes here
	Now    time.Time
	// Why is why our feed recovers before it is appended to.
	Why record.Recovering
	// Progress is told how many bytes of all were looked at; it may be nil.
	Progress func(done, total uint64)
}

// Report is what was salvaged, and what was not.
type Report struct {
	refill.Report // what was kept, and its holes
	Log           crdt.LogID
	Genesis       bool   // what the log began with is known
	Damaged       string // path of the damaged file
	// Beside counts the ops that were found where no tree reaches. Forgotten are those left out there that their authors
	// gave leave to forget, Unwritten those of ours that were never committed.
	Beside, Forgotten, Unwritten uint64
	// Current says that the tree was that of the last commit: else what the last one did beside ops is not there.
	Current bool
	// Pages are the pages of trees that are damaged, Unreadable the bytes that the disk does not give back.
	Pages, Unreadable uint64
	// Lost names what could not be had of all else than ops, up to 1,000.
	Lost []string
}

// maxLost bounds the places that a report names.
const maxLost = 1000

func (r *Report) lost(format string, args ...any) {
	if len(r.Lost) < maxLost {
		r.Lost = append(r.Lost, fmt.Sprintf(format, args...))
	}
}

// salvage is one run on its way.
type salvage struct {
	Options
	ctx    context.Context
	maker  *refill.Maker
	report Report
	done   uint64 // bytes looked at

	meta      map[string][]byte
	followers map[string]uint64            // their cursors
	feeds     map[crdt.Author]*record.Feed // whose records the tree reaches
	arrived   uint64                       // behind the arrivals that the tree reaches
	arrivals  bool                         // the tree reaches all arrivals
	spoiled   []crdt.Key                   // of our last ops, those that the tree reaches and that cannot be read
	bound     uint64                       // below it offsets mean what they did
	late      []late
	own       ownChain
}

// Run makes a new file and puts it in the place of the damaged one. Its error is the disk's, ctx's, [ErrNothing] or
// [ErrAuthor]; one of [syscall.ENOSPC] most often before anything was written. After an error the damaged file is in its
// place, unless that could not be made durable any more.
func Run(ctx context.Context, o Options) (Report, error) {
	s := &salvage{
		Options: o, ctx: ctx, meta: make(map[string][]byte), followers: make(map[string]uint64), feeds: make(map[crdt.Author]*record.Feed),
		arrivals: true, own: newOwnChain(),
	}
	s.report.Current = o.From.Current()
	if err := s.identify(); err != nil {
		return Report{}, err
	}
	if err := s.checkRoom(); err != nil {
		return Report{}, err
	}
	to := o.From.Path() + disk.SalvagedSuffix
	var err error
	if s.maker, err = refill.New(to, s.report.Log); err != nil {
		return Report{}, err
	}
	defer s.maker.Drop()
	s.maker.Scraps()
	for _, step := range []func() error{s.reached, s.inUse, s.rest, s.putLate, s.records, s.putMeta, s.finish} {
		if err := step(); err != nil {
			return Report{}, err
		}
	}
	return s.report, s.replace(to)
}

// records makes the feeds' records, and says what follows for those who follow.
func (s *salvage) records() (err error) {
	if s.report.Report, err = s.maker.Records(s.Now); err != nil {
		return err
	}
	again := min(s.report.Again, s.report.Next)
	s.bound = min(s.bound, again)
	for _, name := range slices.Sorted(maps.Keys(s.followers)) {
		if s.followers[name] > again {
			s.report.lost("which of the missing entries %q has had: those from offset %d on will be given to it once more", name, again)
		}
	}
	return nil
}

// finish makes the file one.
func (s *salvage) finish() error {
	_, err := s.maker.Finish(s.Now)
	if err == nil {
		s.looked(uint64(s.From.Size()))
	}
	return err
}

// looked counts bytes that were looked at. What a tree reaches twice is not counted twice.
func (s *salvage) looked(n uint64) {
	total := uint64(s.From.Size())
	if s.done = min(s.done+n, total); s.Progress != nil {
		s.Progress(s.done, total)
	}
}

// reached takes what the tree reaches.
func (s *salvage) reached() error { return s.From.Walk(s.ctx, &reader{s}) }

// reader takes what the walk through the tree comes to.
type reader struct{ *salvage }

// Enter leaves out the index and the ids, which are made anew, meta, which was read, and what no log has: a name that was damaged. The
// ops in there are found all the same.
func (r *reader) Enter(path [][]byte) bool {
	if len(path) == 1 && !schema.Has(path[0]) {
		r.arrivals = false
		r.report.lost("all in %q, which is the name of nothing in a log", path[0])
		return false
	}
	return !bytes.Equal(path[0], schema.Index) && !bytes.Equal(path[0], schema.IDs) && !bytes.Equal(path[0], schema.Meta)
}

// Lost takes note of a page of a tree.
func (r *reader) Lost(path [][]byte, err error) {
	if r.report.Pages++; len(path) == 0 {
		r.arrivals = false
		r.report.lost("all that is not ops: %v", err)
		return
	}
	switch name := string(path[0]); name {
	case string(schema.Ops): // what is missing of them is a hole
	case string(schema.Arrivals):
		r.arrivals = false
	case string(schema.Feeds):
		r.report.lost("how far some feeds were held: %v", err)
	default:
		r.report.lost("%s: %v", bytes.Join(path, []byte("/")), err)
	}
}

// Visit takes a key and its value.
func (r *reader) Visit(path [][]byte, k, v []byte) (belongs bool, err error) {
	r.looked(uint64(len(k) + len(v)))
	if len(path) == 0 {
		r.Lost(nil, fmt.Errorf("%q is no bucket any more", k))
		return false, nil
	}
	switch name := string(path[0]); name {
	case string(schema.Ops):
		if belongs, err = r.op(v); !belongs && bytes.Equal(path[len(path)-1], r.Author[:]) {
			r.late(k)
		}
		return belongs, err
	case string(schema.Arrivals):
		return r.arrival(k, v)
	case string(schema.Feeds):
		return r.feed(path, k, v)
	case string(schema.Followers):
		if len(path) > 1 || len(v) < 8 {
			r.report.lost("the cursor of %q", k)
			return false, nil
		}
		cursor, _, err := follower.Open(string(k), v)
		if err != nil { // it stays as it is, so that the follower stops, and does not begin anew
			r.report.lost("where %q stands: %v", k, err)
		}
		r.followers[string(k)] = cursor
	case string(schema.Times):
		if _, err := record.ParseArrivalTime(v); err != nil || len(k) != 8 || len(path) > 1 {
			r.report.lost("times: %x: %v", k, err)
			return false, nil
		}
	}
	if at, _, _ := record.Find(v, record.Marker(r.report.Log)); at == 0 {
		r.Lost(path, errors.New("it has an op"))
		return false, nil
	}
	return true, r.maker.Pair(path, k, v)
}

// op takes the value of an op, wherever it lies: its header says whose it is.
func (r *reader) op(v []byte) (belongs bool, err error) {
	if len(v) == 0 {
		return true, nil // a guard, see package disk
	}
	at, value, op := record.Find(v, record.Marker(r.report.Log))
	if at != 0 || len(value) != len(v) {
		return false, nil
	}
	r.own.reached(r.Author, op.Signed)
	return true, r.put(op, value)
}

// late takes note of the key of an op of ours that cannot be read, and has its arrival in no tree.
func (r *reader) late(k []byte) {
	key, err := record.ParseOpKey(k)
	if f := r.feeds[r.Author]; err == nil && f != nil && f.Late.Seq <= key.First && key.First < f.Late.Next {
		r.spoiled = append(r.spoiled, key)
	}
}

func (r *reader) arrival(k, v []byte) (belongs bool, err error) {
	if len(v) == 0 {
		return true, nil // a guard
	}
	a, err := record.ParseArrival(k, v)
	if err != nil || a.Offset < r.arrived {
		r.arrivals = false
		return false, nil
	}
	r.arrived = a.Offset + a.Count
	return true, r.maker.Pair([][]byte{schema.Arrivals}, k, v)
}

func (r *reader) feed(path [][]byte, k, v []byte) (belongs bool, err error) {
	if len(k) != len(crdt.Author{}) || len(path) > 1 {
		return false, nil
	}
	a := crdt.Author(k)
	f, err := record.ParseFeed(a, v)
	if err != nil {
		r.report.lost("how far the feed of %s was held: %v", a, err)
		return false, nil
	}
	if r.feeds[a] = f; f.Late.Ops > 0 {
		r.arrived = max(r.arrived, f.Late.End())
	}
	return true, r.maker.Pair(path, k, v)
}
