package eventlog

import (
	"errors"

	"github.com/quipulog/quipu/crdt"
)

// Stats is what can be told about a log without reading it.
type Stats struct {
	Authors int    // feeds of which something is held
	Ops     uint64 // held
	Entries uint64 // held
	Next    uint64 // offset of the next entry that arrives
	Trimmed uint64 // entries held without their bodies
	Pruned  uint64 // entries that were held here and are no more
	Bytes   int64  // of the file up to the end of its last page; the room that it has ahead is not counted
	Free    int64  // bytes of these that are free: what a compaction would give back, or more
	Forked  int    // feeds that contradict themselves, see [Log.Forked]
	Shut    int    // authors of whom no more is taken
	// Others is about how many bytes the feeds of others take in the file, of the most that they may.
	Others uint64
	// Turned says that more authors were turned away than are counted in Shut.
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

// counts is what Apply counts.
type counts = Applied

// Stats returns the numbers of the moment.
func (l *Log) Stats() Stats {
	bytes, free := l.usage()
	now := l.cfg.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.clockAt(now)
	s := Stats{
		Ops: l.state.ops, Entries: l.state.entries, Next: l.state.next, Bytes: bytes, Free: free, Trimmed: l.state.trimmed, Pruned: l.state.pruned, Shut: l.state.shut + len(l.turned.authors), Turned: l.turned.more, Others: l.state.roomOfOthers(l.author),
		Ahead: len(l.state.ahead), ReadOnly: l.frozen, Applied: l.counts,
	}
	for _, f := range l.state.feeds {
		if !f.feed.IsZero() {
			s.Authors++
		}
		if _, disputed := f.feed.Disputed(); disputed {
			s.Forked++
		}
	}
	return s
}

// usage returns how many bytes of the file are pages, and how many of those are in no use. Behind the last page
// bbolt keeps up to 16 MiB of room for the next ones, which most file systems give no blocks to.
func (l *Log) usage() (bytes, free int64) {
	tx, err := l.begin(false)
	if err != nil {
		return l.fileSize(), 0
	}
	defer func() { _ = tx.Rollback() }()
	s := tx.DB().Stats()
	return tx.Size(), int64(s.FreePageN+s.PendingPageN) * int64(l.pageSize)
}

// count adds the outcomes of one Apply.
func (l *Log) count(outcomes []crdt.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.counts
	for _, o := range outcomes {
		c.Ops += uint64(o.Ops)
		c.Entries += uint64(o.Entries)
		c.Duplicates += uint64(o.Duplicates)
		if o.Forked {
			c.Forks++
		}
		if _, shut := errors.AsType[*ShutError](o.Err); shut {
			c.Shut++
		} else if o.Err != nil {
			c.Rejected++
		} else if o.Decision == crdt.Pending {
			c.Pending++
		}
	}
}
