package eventlog

import (
	"fmt"
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
	// Others is about how many bytes the feeds of others take in the file: Config.MaxBytes bounds them.
	Others uint64
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

// Stats returns the present numbers.
func (l *Log) Stats() Stats {
	bytes, free := l.store.file.Usage()
	now, held := l.store.cfg.Now(), &l.store.state
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	held.ClockAt(now)
	s := Stats{
		Ops: held.Ops, Entries: held.Entries, Next: held.Next, Bytes: bytes, Free: free, Trimmed: held.Trimmed, Pruned: held.Pruned,
		Shut: held.Shut + l.store.turned.Len(), Turned: l.store.turned.More, Others: held.RoomOfOthers(l.store.author),
		Ahead: len(held.Ahead), ReadOnly: l.store.frozen, Applied: l.store.counts,
	}
	for _, f := range held.Feeds {
		if !f.Feed.IsZero() {
			s.Authors++
		}
		if _, disputed := f.Feed.Disputed(); disputed {
			s.Forked++
		}
	}
	return s
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
	} else if left := l.store.holes.All(); len(left) > 0 {
		what := fmt.Sprintf("op %s/%d", left[0].Author.Short(), left[0].From)
		damage = &DamagedError{Path: l.store.path, What: what, Err: fmt.Errorf("it cannot be read, one of %d places", len(left))}
	}
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	untold := l.store.cfg.ReadOnly && !(l.store.own.told && l.store.file.Seen(l.store.durable))
	return Health{Untold: untold, Full: l.store.full, ReadOnly: l.store.frozen, Broken: l.store.broken, Mute: mute, Damage: damage}
}
