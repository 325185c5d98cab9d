package eventlog

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// dropFromMemory throws the file of a closed log out of the kernel's memory (posix_fadvise).
func dropFromMemory(b *testing.B, dir string) {
	b.Helper()
	f, err := os.Open(filepath.Join(dir, fileName))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		b.Fatal(err)
	}
}
