//go:build !unix

package folder

import (
	"io/fs"
	"os"
)

// modesMatter says that a file's mode tells who may read it. Here access lists do.
const modesMatter = false

// nonblocking is nothing: no file of a folder is a pipe here.
const nonblocking = 0

// ownerOnly does nothing: a socket's mode is set once it has a name.
func ownerOnly(uintptr) {}

// trusted reports whether a file is that of the folder's owner. Here access lists say who could make it.
func trusted(fs.FileInfo, fs.FileInfo) bool { return true }

// alive reports whether a process has that id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Release() == nil
}
