package eventlog

import (
	"errors"
	"syscall"
	"time"
)

// Full says that there is no room for what is written.
type Full struct {
	Since time.Time
	Err   error // of the last write that found no room

	needed int64 // bytes that it took
}

const (
	// leastRoom and mostRoom bound what [Log.SeekRoom] writes, in bytes.
	leastRoom = 64 << 10
	mostRoom  = 16 << 20
)

// setFull takes note that a write of tx found no room.
func (s *store) setFull(tx *writeTx, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := &Full{Since: s.cfg.Now(), Err: err, needed: min(max(tx.Allocated(), leastRoom), mostRoom)}
	if s.full != nil {
		full.Since = s.full.Since
	}
	s.full = full
}

// refutedBy reports whether a commit shows that there is room again: it has taken as much as what had failed.
// That a little more can be written shows nothing. Where a file may not grow, anything that is added does.
func (f *Full) refutedBy(tx *writeTx) bool {
	return tx.Allocated() >= f.needed || tx.added > 0 && errors.Is(f.Err, syscall.EFBIG)
}

// SeekRoom looks whether there is room again after a write has found none, for a log to which nobody writes
// meanwhile: it writes as many bytes into a file of its own, syncs it, and removes it. A write as large
// that succeeds shows the same.
func (l *Log) SeekRoom() {
	l.store.mu.RLock()
	full := l.store.full
	l.store.mu.RUnlock()
	if full == nil || errors.Is(full.Err, syscall.EFBIG) || l.store.file.TryRoom(full.needed) != nil {
		return
	}
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.full == full {
		l.store.full = nil
	}
}
