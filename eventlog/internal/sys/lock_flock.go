//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"errors"
	"os"
	"syscall"
)

// Locks says that [TryLock] locks.
const Locks = true

// TryLock locks a file or folder, which goes with its closing, or the end of the process. It returns [ErrLocked] where
// another has it, in this process or another. A second lock by the same open file changes nothing.
func TryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
