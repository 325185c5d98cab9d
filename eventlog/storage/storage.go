// Package storage says what the file system under a log is good for.
package storage

import (
	"errors"
	"os"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// Kind names a file system: "ext", "xfs", "nfs", "0x6a656a63" for one that has no name here, "" where the system does not
// tell.
type Kind string

// Of returns the kind of the file system that a file or a folder is on.
func Of(path string) (Kind, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	is, err := identity.Of(file)
	return Kind(is.FS), errors.Join(err, file.Close())
}

// Keeps reports whether a file there has its inode and birth time for as long as it is there, so that a copy of a log is
// known for one.
func (k Kind) Keeps() bool { return identity.Keeps(string(k)) }

// Forgets reports whether files are numbered anew there at each mount, or are another machine's: nothing of a log's file
// proves then that it is a copy, or that it is none.
func (k Kind) Forgets() bool { return identity.Forgets(string(k)) }

// Volatile reports whether what is there is gone when the machine starts anew.
func (k Kind) Volatile() bool { return k == "tmpfs" || k == "ramfs" }
