//go:build unix

package folder

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// modesMatter says that a file's mode tells who may read it.
const modesMatter = true

// nonblocking opens a pipe that nobody writes to without waiting for one who does.
const nonblocking = syscall.O_NONBLOCK

// ownerOnly sets the mode of the socket fd before it has a name in the file system, so that there is no
// moment at which others can connect. Linux takes the mode over to the file that bind makes; elsewhere
// this does nothing and the mode is set right after.
func ownerOnly(fd uintptr) { _ = syscall.Fchmod(int(fd), 0o600) }

// trusted reports whether a file belongs to this process's user, to root or to the owner of the folder.
func trusted(file, folder fs.FileInfo) bool {
	a, okA := file.Sys().(*syscall.Stat_t)
	b, okB := folder.Sys().(*syscall.Stat_t)
	return okA && okB && (a.Uid == 0 || a.Uid == b.Uid || int(a.Uid) == os.Geteuid())
}

// alive reports whether a process has that id, and has not ended: one that its parent has not asked for yet keeps its id,
// and whoever is the parent of all in a container may never ask. Where there is no /proc such a one counts.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && err != syscall.EPERM {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the program's name
	state, _, _ := strings.Cut(rest, " ")
	return state != "Z"
}
