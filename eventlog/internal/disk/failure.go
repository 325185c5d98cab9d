package disk

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// A commit fails in one of three ways: there is no room, the disk has failed, or bbolt has refused it and
// nothing was written.

// NoRoom reports whether something failed on a full disk, at a quota, or at the largest size that a file may have.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// Failed reports whether the disk has failed or the file is damaged, rather than that bbolt has refused.
func Failed(err error) bool {
	_, file := errors.AsType[*fs.PathError](err)
	return file || isDamage(err) || SyncFailed(err)
}

// SyncFailed reports whether what failed in a commit was a sync, or may have been. A write, and making the
// file longer, say so themselves; on Linux a sync fails with a bare error number.
func SyncFailed(err error) bool {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Op != "write" && path.Op != "truncate"
	}
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

// ofFile returns an error that bbolt met in a commit as one of the file at path, which was opened by another name
// where a compaction has put it there. One met while the file was made longer gets back its error number: of
// those bbolt keeps only the text.
func ofFile(path string, err error) error {
	if met, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: met.Op, Path: path, Err: met.Err}
	}
	for before, op := range map[string]string{"file resize error: ": "truncate", "file sync error: ": "sync"} {
		text, ok := strings.CutPrefix(err.Error(), before)
		if !ok {
			continue
		}
		for _, number := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
			if strings.HasSuffix(text, number.Error()) {
				return &fs.PathError{Op: op, Path: path, Err: number}
			}
		}
		return &fs.PathError{Op: op, Path: path, Err: errors.New(text)}
	}
	return err
}
