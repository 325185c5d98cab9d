package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

const (
	// mendTries is how often a log is opened again whose disk fails each time: for some 6 s.
	mendTries = 7
	// mendLow and mendHigh are the first and the longest pause between two tries.
	mendLow  = 100 * time.Millisecond
	mendHigh = 10 * time.Second
	// lockedFor is how long another process may have the file while it is opened again.
	lockedFor = 5 * time.Second
)

// suspend ends all writing until what is on disk is known again, after a write or a sync has failed with
// cause. The caller leads; [Log.leave] has the log mended. Until then readers are shown what was durable.
func (l *Log) suspend(cause error) {
	l.mu.Lock()
	l.frozen, l.unsynced = fmt.Errorf("%w: %w", ErrReadOnly, cause), true
	l.mu.Unlock()
	l.ailing = true
	l.logger.Error("the disk failed: the log is opened again and verified", "path", l.path, "err", cause)
	l.markUnsynced()
}

// leave lets the next one lead: at once, or when the log is mended. Who was being written when the disk
// failed is told so at once; who waits in the queue waits for that.
func (l *Log) leave() {
	if l.ailing {
		go l.mend()
		return
	}
	l.queue.leave()
}

// mend opens the file again, verifies it, and goes on with it. It leads. A file that is damaged, or that cannot
// be opened or synced however often that is tried, leaves the log read-only for good. Where there is no room for
// a sync it is tried for as long as it takes; in between others lead, to be told so.
func (l *Log) mend() {
	defer l.queue.leave()
	l.ailing = false
	ctx, cancel := l.untilClosed()
	defer cancel()
	pause := mendLow
	for tries := 1; ; tries++ {
		fresh, err := l.openAgain(ctx)
		_, damaged := asDamaged(err)
		full := noRoom(err)
		switch {
		case err == nil:
			l.goOnWith(fresh)
			return
		case ctx.Err() != nil:
			return // The mark beside the file says what the next start has to do.
		case damaged || !full && tries == mendTries:
			l.giveUp(err)
			return
		}
		l.logger.Warn("the log cannot be opened again yet", "path", l.path, "err", err)
		if full {
			l.tellNoRoom(err)
			l.queue.leave()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		if full {
			l.queue.lead()
		}
		if ctx.Err() != nil || l.isClosed() {
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
		case <-l.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// openAgain closes the file, opens it, and returns the log as it is there: verified and synced. Readers wait
// while it is not open, and are served while it is verified.
func (l *Log) openAgain(ctx context.Context) (*Log, error) {
	if damaged := l.wedged.Load(); damaged != nil {
		return nil, damaged
	}
	fresh := newLog(l.path, l.cfg)
	fresh.doubted = true
	if err := l.exchange(fresh); err != nil {
		return nil, err
	}
	err := fresh.begun(ctx)
	if damaged := fresh.wedged.Load(); damaged != nil {
		l.wedged.Store(damaged) // the file is that of l by now
	}
	return fresh, err
}

// exchange closes the file and has it opened by fresh.
func (l *Log) exchange(fresh *Log) error {
	l.swapping.Lock()
	defer l.swapping.Unlock()
	if err := l.guard(l.db.Close); err != nil {
		l.logger.Warn("close the file", "path", l.path, "err", err)
	}
	var err error
	for deadline := time.Now().Add(lockedFor); ; time.Sleep(lockPause) {
		err = fresh.openFile()
		if _, locked := errors.AsType[*LockedError](err); !locked || time.Now().After(deadline) {
			break
		}
	}
	if err == nil {
		l.db, l.file, l.pageSize = fresh.db, fresh.file, fresh.pageSize
	}
	return err
}

// goOnWith takes over what is in the file, all of which is durable.
func (l *Log) goOnWith(fresh *Log) {
	l.logger.Warn("the log is whole, and goes on", "path", l.path)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable.Store(fresh.durable.Load())
	l.state, l.headless = fresh.state, fresh.headless
	l.genesis, l.secondOp, l.recovering = fresh.genesis, fresh.secondOp, fresh.recovering
	l.frozen, l.full, l.unsynced = nil, nil, false
	close(l.changed)
	l.changed = make(chan struct{})
}

// giveUp leaves the log read-only for good.
func (l *Log) giveUp(why error) {
	l.mu.Lock()
	l.frozen, l.broken = fmt.Errorf("%w: %w", ErrReadOnly, why), true
	l.mu.Unlock()
	l.logger.Error("log is read-only", "path", l.path, "err", why)
}

// tellNoRoom has everything that writes told that there is no room.
func (l *Log) tellNoRoom(err error) {
	var number syscall.Errno
	errors.As(err, &number)
	told := &UncertainError{Err: &fs.PathError{Op: "write", Path: l.path, Err: number}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = told
	if l.full == nil {
		l.full = &Full{Since: l.cfg.Now(), needed: leastRoom}
	}
	l.full = &Full{Since: l.full.Since, Err: told, needed: l.full.needed}
}
