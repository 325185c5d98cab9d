package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/excerpt"
)

// gather reads the next batch, and waits for it while there is none. It holds nothing while it waits. A batch without
// entries comes after so much, or so long, that was not for this follower, see quietOffsets.
func (f *following) gather(ctx context.Context) (portion, error) {
	f.source.part()
	b := portion{from: f.cursor, to: f.cursor}
	var deadline time.Time
	for more := true; ; {
		full, err := f.take(ctx, &b)
		if err != nil || full {
			return b, err
		}
		deadline = f.deadline(&b, deadline)
		over := !deadline.IsZero() && !time.Now().Before(deadline)
		if b.to-b.from >= quietOffsets || over && (!more || f.cfg.MaxWait > 0) {
			return b, nil
		}
		// Taken before reading, the channel is closed by whatever the reading does not see.
		changed := f.store.changes()
		if more, err = f.source.read(ctx); err != nil {
			if len(b.entries) > 0 {
				return b, nil // what is whole; the next call meets the error again
			}
			return b, err
		}
		if more || !f.source.empty() || f.source.passed() > b.to {
			continue
		}
		if f.done(b.to) {
			return b, nil
		}
		if err := f.await(ctx, changed, deadline); err != nil {
			return b, err
		}
	}
}

// deadline returns until when the batch waits for more at the end of the log, which was until is: zero for ever.
func (f *following) deadline(b *portion, is time.Time) time.Time {
	switch {
	case len(b.entries) > 0 && !b.timed:
		b.timed = true
		return time.Now().Add(f.cfg.MaxWait)
	case b.to > b.from && is.IsZero():
		return time.Now().Add(quietTime)
	}
	return is
}

// take moves what the source has into the batch until that is full, which it reports. The batch is full
// before a hole, too, unless it begins with it.
func (f *following) take(ctx context.Context, b *portion) (full bool, err error) {
	s := &f.source
	for !full && !s.empty() {
		if h, found := s.hole(); found {
			if full = s.taken > 0; full {
				break
			}
			if err := f.behind(ctx, h); err != nil {
				return false, err
			}
			b.trimmed += h.Count
			s.holes = s.holes[1:]
			continue
		}
		size := entrySize(&s.pending[s.taken])
		if full = s.taken > 0 && b.bytes+size > f.cfg.MaxBytes; full {
			break
		}
		b.bytes += size
		s.size -= size
		s.taken++
		full = s.taken == f.cfg.MaxEntries
	}
	b.entries = s.pending[:s.taken:s.taken]
	b.to = max(b.to, s.passed())
	return full, nil
}

// behind decides what a follower does that stands before entries that are gone: it goes on behind them
// if it was told to, else it ends.
func (f *following) behind(ctx context.Context, h excerpt.Hole) error {
	if f.cfg.SkipTrimmed {
		f.store.logger.Warn("follower skips what was trimmed", "follower", f.name, "offset", h.From, "entries", h.Count)
		return nil
	}
	if h.Missed() > 0 {
		told, err := f.told(h)
		if told || err != nil {
			return err
		}
	}
	err := f.store.explain(ctx, h, true)
	gone, ok := errors.AsType[*TrimmedError](err)
	if !ok {
		return err
	}
	why := Failure{Error: gone.Error(), Time: f.store.cfg.Now(), Attempts: 1, First: h.From, Last: max(h.From+1, gone.Offset) - 1, Missed: h.Missed() > 0}
	if err := f.note(ctx, why); err != nil {
		return err
	}
	return gone
}

// told reports whether the follower was told of a hole before it ended the last time.
func (f *following) told(h excerpt.Hole) (told bool, err error) {
	err = f.store.view(func(tx *readTx) error {
		known, _, err := tx.follower(f.name)
		why := known.record.Failure
		told = why != nil && why.Missed && why.First == h.From
		return err
	})
	return told, err
}
