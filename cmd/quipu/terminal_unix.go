//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openTerminal opens the terminal that the process was started from, to read from and to write to. One of which
// the process has only the background, after a & in a shell, would stop it: that is an error.
func openTerminal() (in, out *os.File, err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	if group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP); err == nil && group != unix.Getpgrp() {
		return nil, nil, errors.Join(errors.New("this process is in its background"), tty.Close())
	}
	return tty, tty, nil
}
