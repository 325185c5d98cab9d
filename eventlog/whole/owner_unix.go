//go:build unix

package whole

import (
	"io/fs"
	"os"
	"syscall"
)

// takeOwner gives a file the owner and group of the one that it will replace: who is not root cannot, and
// then it is the writer's own.
func takeOwner(file string, old fs.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(file, int(stat.Uid), int(stat.Gid))
	}
}
