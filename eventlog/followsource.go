package eventlog

import (
	"cmp"
	"context"
	"sync"

	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// source reads what a follower is given, in arrival order, a chunk at a time: what a transaction has
// copied out is taken from it in as many batches as that needs. It holds no transaction in between.
//
//	offset   ├─────── pending ───────┤         what was read; holes stand between
//	         ├─ taken ─┤             at        the batch at hand is the front of pending
//
// Between readAhead and what comes next, which is part or close, a goroutine reads on, and nobody else looks.
type source struct {
	store *store
	query Query
	// by is the follower whose own entries are left out; empty for none.
	by string

	ahead sync.WaitGroup

	// reading is nil where all was read that was there when it began.
	reading *reading
	walk    *arrivalWalk // of the reading
	// at is how far the log was read: all below it was left out by the filter, taken, or stands in
	// pending or holes, both in order of offset.
	at      uint64
	pending []Entry
	taken   int // of pending
	most    int // entries that the next batch has room for: as many as were pending at once
	size    int // about how many bytes in memory the rest of pending has
	each    int // about how many bytes were read for an entry of the last chunk
	holes   []excerpt.Hole
	err     error // what the reading has met behind them
}

// close ends the reading. The source can be read again, from where seek says.
func (s *source) close() {
	s.ahead.Wait()
	if s.reading != nil {
		s.reading.close()
		s.reading = nil
	}
	s.pending, s.taken, s.most, s.size, s.holes, s.err = nil, 0, 0, 0, nil, nil
}

// seek makes the source go on at offset.
func (s *source) seek(offset uint64) {
	s.close()
	s.at = offset
}

// left returns what is pending and was not taken.
func (s *source) left() []Entry { return s.pending[s.taken:] }

// passed returns the offset of the first entry or hole that was not taken.
func (s *source) passed() uint64 {
	at := s.at
	if left := s.left(); len(left) > 0 {
		at = min(at, left[0].Offset)
	}
	if len(s.holes) > 0 {
		at = min(at, s.holes[0].From)
	}
	return at
}

// hole returns what is gone where the source stands.
func (s *source) hole() (h excerpt.Hole, found bool) {
	if left := s.left(); len(s.holes) == 0 || len(left) > 0 && left[0].Offset < s.holes[0].From {
		return excerpt.Hole{}, false
	}
	return s.holes[0], true
}

// empty reports whether all that was read is taken.
func (s *source) empty() bool { return len(s.left()) == 0 && len(s.holes) == 0 }

// part makes the next batch begin: what was taken is its owner's.
func (s *source) part() {
	s.ahead.Wait()
	left := s.left()
	if s.reading == nil {
		s.most = 0
	} else {
		s.most = min(max(s.most, len(s.pending)), 2*follower.DefaultEntries) // the last batch may be small
	}
	if s.taken > len(left) {
		left = append(make([]Entry, 0, max(s.most, len(left))), left...) // so that it does not keep the batch
	}
	s.pending, s.taken = left, 0
}

// readAhead begins with the next batch, of so many entries, while the caller has the one that was taken.
func (s *source) readAhead(ctx context.Context, entries int) {
	s.part()
	if s.reading == nil {
		return
	}
	s.ahead.Go(func() {
		for read := 0; len(s.pending) < entries && max(read, s.size) < maxReadAhead; read += s.reading.chunk.bytes {
			s.reading.chunk.size = min(max(chunkSize, (entries-len(s.pending))*s.each), longChunk)
			if more, err := s.read(ctx); !more || err != nil {
				return // Who reads next meets the error again.
			}
		}
	})
}

// read reads a chunk on and reports whether there may be more in the log. Of what is damaged it gives first what is
// whole.
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
	was := len(s.pending) + len(s.holes)
	if s.err = s.decode(damage); s.err != nil {
		if len(s.pending)+len(s.holes) == was {
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
	from, size := len(s.pending), 0
	_, err := s.reading.drain(func(e *Entry) bool {
		if s.by == "" || !s.store.authors.Own(e.Author) || e.Header(HeaderBy) != s.by {
			s.pending = append(s.pending, *e)
			size += entrySize(e)
		}
		return true
	}, func(h excerpt.Hole) bool {
		s.holes = append(s.holes, h)
		return true
	})
	read, bytes := s.pending[from:], s.reading.chunk.bytes
	s.size += size
	s.each = bytes / max(1, len(read))
	if size < bytes/2 {
		for i := range read {
			read[i] = read[i].Clone()
		}
	}
	if err == nil && behind == nil {
		return nil
	}
	// Behind what is damaged nothing was read.
	if n := len(read); n > 0 {
		s.at = read[n-1].Offset + 1
	}
	return cmp.Or(err, behind)
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
