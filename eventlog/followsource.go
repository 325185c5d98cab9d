package eventlog

import "context"

// source reads what a follower is given, in arrival order, a chunk at a time: what a transaction has
// copied out is taken from it in as many batches as that needs. It holds no transaction in between.
type source struct {
	store *store
	query Query
	// by is the follower whose own entries are left out; empty for none.
	by string

	reading *reading
	walk    *arrivalWalk // of the reading
	// at is how far the log was read: all below it was left out by the filter, taken, or stands in
	// pending or holes, both in order of offset.
	at      uint64
	pending []Entry
	holes   []hole
	err     error // what the reading has met behind them
}

// close ends the reading. The source can be read again, from where seek says.
func (s *source) close() {
	if s.reading != nil {
		s.reading.close()
		s.reading = nil
	}
	s.pending, s.holes, s.err = nil, nil, nil
}

// seek makes the source go on at offset.
func (s *source) seek(offset uint64) {
	s.close()
	s.at = offset
}

// passed returns the offset of the first entry or hole that was not taken.
func (s *source) passed() uint64 {
	at := s.at
	if len(s.pending) > 0 {
		at = min(at, s.pending[0].Offset)
	}
	if len(s.holes) > 0 {
		at = min(at, s.holes[0].from)
	}
	return at
}

// hole returns what is gone where the source stands.
func (s *source) hole() (h hole, found bool) {
	if len(s.holes) == 0 || len(s.pending) > 0 && s.pending[0].Offset < s.holes[0].from {
		return hole{}, false
	}
	return s.holes[0], true
}

// empty reports whether all that was read is taken.
func (s *source) empty() bool { return len(s.pending) == 0 && len(s.holes) == 0 }

// read reads a chunk on, once the source is empty, and reports whether there may be more in the log. Of
// what is damaged it gives first what is whole.
func (s *source) read(ctx context.Context) (more bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if s.reading == nil {
		if err := s.begin(); err != nil {
			return false, err
		}
	}
	more, damage, err := s.reading.fill()
	if err != nil {
		return false, err
	}
	s.pending, s.holes = s.pending[:0], s.holes[:0]
	if s.err = s.decode(damage); s.err != nil {
		if s.empty() {
			return false, s.err
		}
		return true, nil
	}
	if more {
		s.at = max(s.at, s.walk.from)
		return true, nil
	}
	s.at = max(s.at, s.reading.snapshot.Bound)
	s.reading.close()
	s.reading = nil
	return false, nil
}

func (s *source) begin() error {
	q := s.query
	q.FromOffset, q.Gone = s.at, StopAtGone // of all that is gone the source is told
	now, err := s.store.snapshotOf(&q)
	if err != nil {
		return err
	}
	r, err := s.store.readingLessWalk(q, now)
	if err != nil {
		return err
	}
	s.walk = newArrivalWalk(&r.filter, false, nil, now.Bound)
	r.walk, r.ahead = s.walk, s.store.file.ReadAhead()
	s.reading = r
	return nil
}

// decode takes the entries of the chunk, and returns the first thing that is wrong: with them, or what
// the reading has found wrong behind them. Where they are few of the chunk they stand in memory of
// their own, so that a batch of some from each of many chunks does not keep all of those.
func (s *source) decode(behind error) error {
	size := 0
	_, err := s.reading.drain(func(e Entry) bool {
		if s.by == "" || e.Author != s.store.author || e.Header(HeaderBy) != s.by {
			s.pending = append(s.pending, e)
			size += entrySize(&e)
		}
		return true
	}, func(h hole) bool {
		s.holes = append(s.holes, h)
		return true
	})
	if size < chunkSize/2 {
		for i := range s.pending {
			s.pending[i] = s.pending[i].Clone()
		}
	}
	if err == nil && behind == nil {
		return nil
	}
	// Behind what is damaged nothing was read.
	s.at = s.passed()
	if n := len(s.pending); n > 0 {
		s.at = s.pending[n-1].Offset + 1
	}
	if err == nil {
		err = behind
	}
	return err
}

// entrySize returns about how many bytes the entry has in memory of its own.
func entrySize(e *Entry) int { return opOverhead + e.Event.Memory() }

// portion is a batch, what is handed to a handler at once, and the part of the arrivals that is done with it.
type portion struct {
	// from ≤ offset < to: the cursor before and after.
	from, to uint64
	entries  []Entry
	bytes    int
	timed    bool // since it has an entry, it waits for more
	// trimmed counts entries between from and the first entry that are gone, see SkipTrimmed.
	trimmed uint64
}

// first returns the part of b that ends with its n-th entry.
func (b *portion) first(n int) portion {
	part := *b
	part.entries = b.entries[:n:n]
	if n < len(b.entries) {
		part.to = b.entries[n].Offset
	}
	return part
}

// rest returns the part of b behind its n-th entry.
func (b *portion) rest(n int) portion {
	part := b.first(n)
	return portion{from: part.to, to: b.to, entries: b.entries[n:]}
}

// offsets returns those of b's first and last entries.
func (b *portion) offsets() (first, last uint64) {
	if len(b.entries) == 0 {
		return b.from, b.from
	}
	return b.entries[0].Offset, b.entries[len(b.entries)-1].Offset
}
