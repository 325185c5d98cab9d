//go:build unix

package folder

import "syscall"

// modesMatter says that a file's mode tells who may read it.
const modesMatter = true

// ownerOnly sets the mode of the socket fd before it has a name in the file system, so that there is no
// moment at which others can connect. Linux takes the mode over to the file that bind makes; elsewhere
// this does nothing and the mode is set right after.
func ownerOnly(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) }

// alive reports whether a process has that id.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
