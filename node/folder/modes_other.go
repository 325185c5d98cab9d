//go:build !unix

package folder

import "os"

// modesMatter says that a file's mode tells who may read it. Here access lists do.
const modesMatter = false

// ownerOnly does nothing: a socket's mode is set once it has a name.
func ownerOnly(uintptr) {}

// alive reports whether a process has that id.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Release() == nil
}
