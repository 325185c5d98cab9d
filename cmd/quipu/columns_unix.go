//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminalColumns returns how many columns a terminal has, or 0 where it does not say.
func terminalColumns(file *os.File) (columns int) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	// Control fails on what is closed, which the next write tells.
	_ = raw.Control(func(fd uintptr) {
		if size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ); err == nil {
			columns = int(size.Col)
		}
	})
	return columns
}
