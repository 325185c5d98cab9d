package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCached makes the kernel forget what it holds of a file, so that what is read is what is on disk.
func dropCached(f *os.File) error {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
