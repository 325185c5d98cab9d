package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/feeds"
	"github.com/quipulog/quipu/eventlog/internal/meter"
)

// Stats are the numbers of a log that are known without reading it.
type Stats struct {
	Authors int    // feeds of which something is held
	Ops     uint64 // held
	Entries uint64 // held
	Next    uint64 // offset of the next entry that arrives
	Trimmed uint64 // entries held without their bodies
	Pruned  uint64 // entries that were held here and then pruned
	Bytes   int64  // of the file up to the end of its last page, without the room that it has ahead
	Free    int64  // bytes of these that are free: a compaction gives back about as many, or more
	Forked  int    // feeds that contradict themselves, see [Log.Forked]
	Shut    int    // authors of whom no more is taken
	Others  uint64 // about how many bytes the feeds of others take in the file: Config.MaxBytes bounds them
	Bounds  Bounds // on what others may take up
	// Turned says that more authors were turned away than Shut counts.
	Turned bool
	Ahead  int // feeds whose last clock is more than a minute ahead of the wall clock
	// ReadOnly is why nothing can be written, or nil.
	ReadOnly error
	Applied  Applied
}

// Applied counts what [Log.Apply] has met since the log was opened.
type Applied struct {
	Ops, Entries uint64 // stored
	Duplicates   uint64 // ops that were held
	Forks        uint64 // runs that began a branch
	Pending      uint64 // runs that could not be placed yet
	Rejected     uint64 // runs of which something was rejected
	Shut         uint64 // runs of shut authors
}

type (
	// Distribution is what was counted by size, see [Meters].
	Distribution = meter.Distribution
	// FeedStats is what is held of one feed.
	FeedStats = feeds.Stats
	// Bounds are those of the configuration.
	Bounds = feeds.Bounds
)

// Meters is what a log has counted since it was opened, and what it is busy with.
type Meters struct {
	meter.Reading
	// Waiting is how many calls wait for their commit, WaitingBytes what they keep in memory for it.
	Waiting, WaitingBytes int
	// Holes are stretches of feeds that are held and cannot be read, see [Log.Damaged]. MoreHoles says that there are others.
	Holes     int
	MoreHoles bool
	File      disk.Use
	Held      Stats // as they are now: Bytes and Free are those of File
}

// Meters returns the present meters. It reads nothing of the file, and waits for nobody who reads or writes it.
func (l *Log) Meters() Meters {
	m := Meters{Reading: l.store.meters.Read(), File: l.store.file.Use()}
	_, m.Holes, m.MoreHoles = l.store.holes.Left()
	m.Waiting, m.WaitingBytes = l.store.queue.Waiting()
	m.Held = l.store.stats(m.File.Pages*m.File.PageSize, (m.File.Free+m.File.Pending)*m.File.PageSize)
	return m
}

// EachFeed calls visit with what is held of each feed, in no order. It reads nothing of the file. Visit calls no method of
// the log.
func (l *Log) EachFeed(visit func(FeedStats)) {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	l.store.state.Each(visit)
}

// Stats returns the present numbers.
func (l *Log) Stats() Stats { return l.store.stats(l.store.file.Usage()) }

func (s *store) stats(bytes, free int64) Stats {
	now, held := s.cfg.Now(), &s.state
	s.mu.Lock()
	defer s.mu.Unlock()
	held.ClockAt(now)
	all := Stats{
		Ops: held.Ops, Entries: held.Entries, Next: held.Next, Bytes: bytes, Free: free, Trimmed: held.Trimmed, Pruned: held.Pruned,
		Shut: held.Shut + s.turned.Len(), Turned: s.turned.More, Others: held.RoomOfOthers(s.author), Bounds: s.cfg.bounds(s.author),
		Ahead: len(held.Ahead), ReadOnly: s.frozen, Applied: s.counts,
	}
	all.Authors, all.Forked = held.Authors()
	return all
}

// Health says what keeps a log from taking or writing what it could. The zero Health is that of a log that
// is well, but for authors that are shut: see [Log.ShutReasons].
type Health struct {
	// Full says that there is no room for what is written, and since when; nil while there is room. What
	// fails meanwhile is an [*UncertainError] with NoRoom. Writing goes on by itself once there is room.
	Full *Full
	// ReadOnly is why nothing at all is written, or nil: the disk has failed, and the file is being opened
	// and verified again. If Broken is set, that has failed and the log stays read-only: ReadOnly then
	// wraps [ErrReadOnly], and a [*DamagedError] where the file is damaged.
	ReadOnly error
	Broken   bool
	// Mute is why nothing is appended here, while what peers send is stored, or nil: [ErrSecondWriter], or a
	// [*RecoveringError].
	Mute error
	// Damage is the first damage of the file that was met, or an op that [Log.Damaged] names; nil if none was, or all of it
	// was put back.
	Damage error
	// Untold says of a log that is open for reading only that ops of our own are to be given away by who opens it to write.
	Untold bool
}

// Health returns the present state of the log. It reads nothing of the file.
func (l *Log) Health() Health {
	mute := l.store.ours.appendable()
	var damage error
	if d := l.store.damage.Load(); d != nil {
		damage = d
	} else if one, n, more := l.store.holes.Left(); n > 0 {
		why := fmt.Errorf("it cannot be read, one of %d places", n)
		if more {
			why = fmt.Errorf("it cannot be read, one of %d places at least", n)
		}
		damage = &DamagedError{Path: l.store.path, What: fmt.Sprintf("op %s/%d", one.Author.Short(), one.Seq), Err: why}
	}
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	untold := l.store.cfg.ReadOnly && !(l.store.own.told && l.store.file.Seen(l.store.durable))
	return Health{Untold: untold, Full: l.store.full, ReadOnly: l.store.frozen, Broken: l.store.broken, Mute: mute, Damage: damage}
}
