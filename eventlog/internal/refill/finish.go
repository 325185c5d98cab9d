package refill

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Report is what a file was made of.
type Report struct {
	Authors, Ops, Entries uint64
	Next                  uint64 // the offset behind the last entry
	// Holes are up to 1,000 of the stretches of feeds that are missing; More counts the others.
	Holes []Hole
	More  uint64
	// Again is the least offset of what is missing and may have another one should it come back: who follows from beyond
	// it is given that once more. It is [math.MaxUint64] for none, and 0 where that is not known.
	Again uint64
}

// maxHoles bounds the holes that a report names.
const maxHoles = 1000

// Hole is a stretch of a feed, from ≤ seq < to, that is missing from the file.
type Hole struct {
	Author   crdt.Author
	From, To uint64
}

func (h Hole) String() string {
	if h.To == h.From+1 {
		return fmt.Sprintf("%s/%d", h.Author, h.From)
	}
	return fmt.Sprintf("%s/%d…%d", h.Author, h.From, h.To-1)
}

func (r *Report) hole(h Hole) {
	if len(r.Holes) == maxHoles {
		r.More++
		return
	}
	r.Holes = append(r.Holes, h)
}

// Forgotten is what of a feed was pruned since its record was made: what lies below a seq, in a sweep, by the author's
// leave.
type Forgotten struct {
	Below, Sweep uint64
	Leave        crdt.Signed
}

// Forget says what of a feed was pruned since the record was made that [Maker.Pair] was told. Where that is why something
// is missing, what lies below is dropped. It is called before [Maker.Finish].
func (m *Maker) Forget(a crdt.Author, gone Forgotten) {
	if m.forgotten == nil {
		m.forgotten = make(map[crdt.Author]Forgotten)
	}
	m.forgotten[a] = gone
	m.sweep = max(m.sweep, gone.Sweep)
}

// Finish holds each feed's ops against each other and its record, makes all records anew and what meta says of the last
// sweep, makes all of it durable and gives the file its name. now is by which clocks are ahead, where nothing is known
// of a feed.
//
// An error wraps [fs.ErrExist] where there is a file of that name, and a [*FeedError] where ops contradict each other or
// what was put says nothing that a log could be opened with.
func (m *Maker) Finish(now time.Time) (Report, error) {
	report, err := m.Records(now)
	if err == nil {
		err = m.do(m.meta)
	}
	if err == nil {
		err = m.ids()
	}
	if err == nil {
		err = m.commit(true)
	}
	if err == nil {
		err = m.file.Keep()
	}
	if err == nil {
		if err = whole.SyncFolder(filepath.Dir(m.file.Target())); err != nil {
			_ = sys.Remove(m.file.Target())
		}
	}
	if err != nil {
		m.Drop()
		return Report{}, fmt.Errorf("finish %s: %w", m.file.Target(), err)
	}
	return report, nil
}

// Records makes the records of all feeds, as Finish does where it was not called: for a caller whose meta depends on what
// there is. Nothing but meta is put after it.
func (m *Maker) Records(now time.Time) (Report, error) {
	if m.records != nil {
		return *m.records, nil
	}
	m.records = &Report{Again: math.MaxUint64}
	err := m.commit(true)
	if err == nil {
		err = m.makeRecords(now, m.records)
	}
	return *m.records, err
}

// makeRecords makes the records.
func (m *Maker) makeRecords(now time.Time, report *Report) error {
	authors, err := m.authors()
	if err != nil {
		return err
	}
	if m.scraps != nil {
		if err := m.findOrphans(); err != nil {
			return err
		}
		authors = m.scraps.withOrphans(authors)
	}
	var pruned, kept, holes uint64
	for _, a := range authors {
		f, err := m.record(a, now, report)
		if err != nil {
			return err
		}
		if err := m.do(func() error {
			if n := uint64(len(report.Holes)) + report.More; n > holes {
				m.holed, holes = append(m.holed, a[:]...), n
			}
			pruned, kept = pruned+f.Pruned, kept+f.Entries
			b := f.Encode(a)
			m.put += len(b)
			return m.tx.Tree(schema.Feeds).Packed().Put(a[:], b)
		}); err != nil {
			return err
		}
		if err := m.commit(false); err != nil {
			return err
		}
	}
	if m.scraps != nil {
		err := m.do(func() error { return cmp.Or(m.end(), m.balance(kept, pruned, authors)) })
		report.Next = m.next
		return err
	}
	if report.Next = m.next; kept+pruned != m.next {
		return &FeedError{What: fmt.Sprintf("the arrivals end at offset %d, the feeds have %d entries", m.next, kept+pruned)}
	}
	if report.Ops != m.ops {
		return &FeedError{What: fmt.Sprintf("%d ops have arrived, %d are there: one has arrived twice", m.ops, report.Ops)}
	}
	return nil
}

// authors returns all of whom something is held or known, in order.
func (m *Maker) authors() (all []crdt.Author, err error) {
	err = m.do(func() error {
		feeds, ops := m.tx.Tree(schema.Feeds).Cursor(), m.tx.Tree(schema.Ops).Cursor()
		f, _ := feeds.First()
		o, _ := ops.First()
		for f != nil || o != nil {
			k := f
			if k == nil || o != nil && string(o) < string(f) {
				k = o
			}
			if len(k) != len(crdt.Author{}) {
				return &FeedError{What: "an author", Err: record.ErrLength}
			}
			all = append(all, crdt.Author(k))
			if a := all[len(all)-1]; f != nil && crdt.Author(f) == a {
				f, _ = feeds.Next()
			}
			if a := all[len(all)-1]; o != nil && crdt.Author(o) == a {
				o, _ = ops.Next()
			}
		}
		return nil
	})
	return all, err
}

// known returns the record of a feed as it was told, nil where nothing was.
func (m *Maker) known(a crdt.Author) (*record.Feed, error) {
	v := m.tx.Tree(schema.Feeds).Get(a[:])
	if v == nil {
		return nil, m.tx.Err()
	}
	f, err := record.ParseFeed(a, v)
	if err != nil {
		return nil, &FeedError{Author: a, What: "its record", Err: err}
	}
	f.Late = record.Late{} // whatever is put has an arrival
	return f, nil
}

// dropBelow drops the ops of a feed that were put and lie below a seq, with their arrivals.
func (m *Maker) dropBelow(a crdt.Author, below uint64) error {
	for more := true; more; {
		err := m.do(func() error {
			more = false
			ops := m.feedOps(a)
			if ops == nil {
				return nil
			}
			c := ops.Cursor()
			for k, v := c.First(); k != nil && !more; k, v = c.First() {
				key, err := record.ParseOpKey(k)
				if err != nil || key.First >= below {
					return err
				}
				at := record.Offset(record.Op(v).Offset())
				m.put += len(v)
				if err := errors.Join(ops.Remove(k), m.arrivals().Remove(at[:])); err != nil {
					return err
				}
				m.ops--
				more = m.put >= commitBytes
			}
			return nil
		})
		if err == nil {
			err = m.commit(false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// meta puts the number of the last sweep, and says what is missing.
func (m *Maker) meta() error {
	meta := m.tx.Tree(schema.Meta)
	for _, key := range [][]byte{schema.Format, schema.Log, schema.Author, schema.Incarnation} {
		if meta.Get(key) == nil && m.tx.Err() == nil {
			return &FeedError{What: fmt.Sprintf("meta says nothing of %q", key)}
		}
	}
	if err := meta.Remove(schema.Holes); err != nil {
		return err
	}
	if len(m.holed) > 0 {
		if err := meta.Put(schema.Holes, m.holed); err != nil {
			return err
		}
	}
	if v := meta.Get(schema.Sweep); len(v) == 8 {
		m.sweep = max(m.sweep, binary.BigEndian.Uint64(v))
	}
	if m.sweep == 0 {
		return nil
	}
	return meta.Set(schema.Sweep, binary.BigEndian.AppendUint64(nil, m.sweep))
}

// feedOps returns the ops of a feed; nil for none.
func (m *Maker) feedOps(a crdt.Author) *disk.Tree { return m.tx.Tree(schema.Ops).Child(a[:]).Growing() }
