package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread returns how many bytes lie in a pipe or socket. It reads nothing.
func unread(file *os.File) int64 {
	n, err := unix.IoctlGetInt(int(file.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return int64(n)
}
