package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminalColumns returns how many columns a console has, or 0 where it does not say.
func terminalColumns(file *os.File) int {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(file.Fd()), &info) != nil {
		return 0
	}
	return int(info.Window.Right-info.Window.Left) + 1
}
