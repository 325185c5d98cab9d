package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/holes"
)

const (
	// mendTries is how often a log is opened again whose disk fails each time: for some 6 s.
	mendTries = 7
	// mendLow and mendHigh are the first and the longest pause between two tries.
	mendLow  = 100 * time.Millisecond
	mendHigh = 10 * time.Second
)

// leave lets the next one lead: at once, or when the log is mended. Who was being written when the disk
// failed is told so at once; who waits in the queue waits for that.
func (l *Log) leave() {
	if l.store.ailing {
		go l.mend()
		return
	}
	l.store.queue.Leave()
}

// mend opens the file again, verifies it, and goes on with it. It leads. A file that is damaged, or that cannot
// be opened or synced however often that is tried, leaves the log read-only for good. Where there is no room for
// a sync it is tried for as long as it takes; in between others lead, to be told so.
func (l *Log) mend() {
	defer l.store.queue.Leave()
	l.store.ailing = false
	ctx, cancel := l.untilClosed()
	defer cancel()
	pause := mendLow
	for tries := 1; ; tries++ {
		fresh, err := l.openAgain(ctx)
		_, damaged := asDamaged(err)
		full := disk.NoRoom(err)
		switch {
		case err == nil:
			l.goOnWith(fresh)
			return
		case ctx.Err() != nil:
			return // The mark beside the file says what the next start has to do.
		case damaged || !full && tries == mendTries:
			l.store.giveUp(err)
			return
		}
		l.store.logger.Warn("the log cannot be opened again yet", "path", l.store.path, "err", err)
		if full {
			l.store.tellNoRoom(err)
			l.store.queue.Leave()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		if full {
			l.store.queue.Lead()
		}
		if ctx.Err() != nil || l.store.isClosed() {
			return
		}
		pause = min(2*pause, mendHigh)
	}
}

// untilClosed returns a context that ends when the log is to be closed, or when cancel is called.
func (l *Log) untilClosed() (ctx context.Context, cancel func()) {
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		select {
		case <-l.store.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// openAgain closes the file, opens it, and returns the log as it is there: verified and synced. Readers wait
// while it is not open, and are served while it is verified.
func (l *Log) openAgain(ctx context.Context) (*Log, error) {
	s := l.store
	if err := s.file.Reopen(); err != nil {
		return nil, s.notOpened(err)
	}
	fresh := newLog(s.path, s.cfg)
	fresh.store.file, fresh.store.knew = s.file, &s.holes
	return fresh, fresh.begun(ctx, true)
}

// goOnWith takes over what is in the file, all of which is durable. What the commit that failed has put back may be there.
func (l *Log) goOnWith(fresh *Log) {
	l.store.logger.Info("the log is whole, and goes on", "path", l.store.path)
	for _, h := range l.store.holes.All() {
		l.store.holes.Filled(h.Author, holes.Stretch{From: h.From, Upto: h.Upto})
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.store.contents = fresh.store.contents
	l.store.frozen, l.store.full, l.store.unsynced = nil, nil, false
	close(l.store.changed)
	l.store.changed = make(chan struct{})
}

// giveUp leaves the log read-only for good.
func (s *store) giveUp(why error) {
	s.mu.Lock()
	s.frozen, s.broken = fmt.Errorf("%w: %w", ErrReadOnly, why), true
	s.mu.Unlock()
	s.logger.Error("the log takes nothing any more", "path", s.path, "err", why)
}

// tellNoRoom has everything that writes told that there is no room.
func (s *store) tellNoRoom(err error) {
	var number syscall.Errno
	errors.As(err, &number)
	told := &UncertainError{Err: &fs.PathError{Op: "write", Path: s.path, Err: number}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = told
	if s.full == nil {
		s.full = &Full{Since: s.cfg.Now(), needed: leastRoom}
	}
	s.full = &Full{Since: s.full.Since, Err: told, needed: s.full.needed}
}
