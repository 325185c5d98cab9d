package doctor

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync makes what was written to a file durable, as the log does.
func datasync(file *os.File) error {
	for {
		if err := unix.Fdatasync(int(file.Fd())); err != unix.EINTR {
			return err
		}
	}
}
