package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// markUnsynced leaves a mark beside the file that its last sync failed. If the mark cannot be written
// either, the next start does not know: it finds what a crash leaves.
func (s *store) markUnsynced() {
	if err := os.WriteFile(s.unsyncedPath(), []byte("a sync of quipu.db failed; it is verified before anything is written to it, and then this file is removed\n"), 0o600); err != nil {
		s.logger.Error("mark file as unsynced", "path", s.unsyncedPath(), "err", err)
	}
}

func (s *store) unsyncedPath() string { return s.path + ".unsynced" }

func (s *store) markedUnsynced() bool {
	if s.doubted {
		return true
	}
	_, err := os.Lstat(s.unsyncedPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// dropCache makes the kernel forget what it holds of a file whose last sync failed, so that what is
// read is what is on disk.
func (s *store) dropCache(f *os.File) error {
	if !s.markedUnsynced() {
		return nil
	}
	s.logger.Warn("a sync of this log failed: verifying it", "path", s.path)
	if err := disk.DropCached(f); err != nil {
		return fmt.Errorf("open log: drop cached pages: %w", err)
	}
	return nil
}

// verifyUnsynced verifies a log whose last sync failed and takes the mark away if it is whole. What the
// kernel still had to write is synced first: all that is read then is on disk.
func (l *Log) verifyUnsynced(ctx context.Context) error {
	if !l.store.markedUnsynced() {
		return nil
	}
	if err := l.store.guard(l.store.db.Sync); err != nil {
		return fmt.Errorf("sync log after a failed sync: %w", err)
	}
	report, err := l.Verify(ctx)
	if err != nil {
		return fmt.Errorf("verify log after a failed sync: %w", err)
	}
	if len(report.Problems) > 0 {
		return &DamagedError{Path: l.store.path, What: "what was written before a sync failed", Err: errors.New(report.Problems[0].String())}
	}
	if err := os.Remove(l.store.unsyncedPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
