package meter

import (
	"errors"
	"sync/atomic"
	"time"
)

// durations are the bounds for what takes time: 10 µs to 10 s, in nanoseconds.
var durations = []uint64{
	10e3, 25e3, 50e3, 100e3, 250e3, 500e3, 1e6, 25e5, 5e6, 10e6, 25e6, 50e6, 100e6, 250e6, 500e6, 1e9, 25e8, 5e9, 10e9,
}

// lots are the bounds for how many entries are written together.
var lots = []uint64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}

// Class is a kind of failure: the error that is in it, or whether one is of it, and its name.
type Class struct {
	Err  error
	Is   func(error) bool // where Err is nil
	Name string
}

// Of reports whether an error of type E is in err.
func Of[E error](err error) bool {
	_, is := errors.AsType[E](err)
	return is
}

// has reports whether an error is of the class.
func (c *Class) has(err error) bool {
	if c.Err == nil {
		return c.Is(err)
	}
	return errors.Is(err, c.Err)
}

// NoRoom and Other are the classes of errors that say themselves that there was no room, and of those that no other class
// has.
const (
	NoRoom = "no-room"
	Other  = "internal"
)

// Meters has all that a log counts. Its methods may be called from any goroutine.
type Meters struct {
	classes []Class
	names   []string // of the classes, each once
	failed  []atomic.Uint64

	calls, entries, bytes atomic.Uint64
	lot                   *Histogram
	gather, commit, sync  *Histogram
}

// New returns meters that count failures by class. Of those that an error is of, the first counts.
func New(classes []Class) *Meters {
	m := &Meters{
		classes: classes, names: []string{NoRoom},
		lot: NewHistogram(lots...), gather: NewHistogram(durations...), commit: NewHistogram(durations...), sync: NewHistogram(durations...),
	}
	for _, c := range append(classes, Class{Name: Other}) {
		if m.place(c.Name) < 0 {
			m.names = append(m.names, c.Name)
		}
	}
	m.failed = make([]atomic.Uint64, len(m.names))
	return m
}

func (m *Meters) place(name string) int {
	for i, n := range m.names {
		if n == name {
			return i
		}
	}
	return -1
}

// Called counts a call that was to append: its events are durable, or there is an error.
func (m *Meters) Called(err error) {
	if err == nil {
		m.calls.Add(1)
		return
	}
	m.failed[m.place(m.classOf(err))].Add(1)
}

// Update is a call that a function of its caller's was part of, which may append: what that has returned, the damage that it
// has met, and how many entries it has appended.
type Update struct {
	Own, Damage error
	Entries     int
}

// Ran takes note of what the function has returned, which it returns too, and of what it has met and appended by then.
func (u *Update) Ran(own error, damage *error, entries *int) error {
	u.Own, u.Damage, u.Entries = own, *damage, *entries
	return own
}

// Updated counts such a call, which has ended with err, and returns that. One that has succeeded counts where it has appended. An error of the
// function's own says nothing of the log, unless it is of a class.
func (m *Meters) Updated(u *Update, err error) error {
	nothing := err == nil && u.Entries == 0
	if own := u.Own != nil && u.Damage == nil && m.classOf(err) == Other; !nothing && !own {
		m.Called(err)
	}
	return err
}

// classOf returns the class of an error.
func (m *Meters) classOf(err error) string {
	if full, says := errors.AsType[interface {
		error
		NoRoom() bool
	}](err); says && full.NoRoom() {
		return NoRoom
	}
	for i := range m.classes {
		if m.classes[i].has(err) {
			return m.classes[i].Name
		}
	}
	return Other
}

// Gathered counts how long a commit waited for those who were coming.
func (m *Meters) Gathered(took time.Duration) { m.gather.Observe(uint64(max(took, 0))) }

// Committed counts a commit: the entries that were appended in it and their bytes, how long it took, and how much of that its
// syncs did.
func (m *Meters) Committed(entries, bytes int, took, sync time.Duration) {
	m.commit.Observe(uint64(max(took, 0)))
	m.sync.Observe(uint64(max(sync, 0)))
	if entries > 0 {
		m.entries.Add(uint64(entries))
		m.bytes.Add(uint64(bytes))
		m.lot.Observe(uint64(entries))
	}
}

// Reading is what [Meters] say at a moment, since the log was opened.
type Reading struct {
	// Calls are those that appended, one event, a batch, or what an Update did, and have succeeded; Failed are the others, by
	// class.
	Calls  uint64
	Failed map[string]uint64
	// Entries were appended, in such calls or together with something else; Bytes is what they have, encoded.
	Entries, Bytes uint64
	// Lot is of the entries that were appended in one commit.
	Lot Distribution
	// Gather, Commit and Sync are of nanoseconds: what commits waited for those who were coming, what they took in all, and
	// what of that their syncs did.
	Gather, Commit, Sync Distribution
}

// Read returns what was counted so far. Every class is there.
func (m *Meters) Read() Reading {
	r := Reading{
		Calls: m.calls.Load(), Entries: m.entries.Load(), Bytes: m.bytes.Load(), Failed: make(map[string]uint64, len(m.failed)),
		Lot: m.lot.Read(), Gather: m.gather.Read(), Commit: m.commit.Read(), Sync: m.sync.Read(),
	}
	for i, name := range m.names {
		r.Failed[name] = m.failed[i].Load()
	}
	return r
}
