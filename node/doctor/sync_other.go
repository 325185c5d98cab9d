//go:build !linux

package doctor

import "os"

// datasync makes what was written to a file durable, as the log does.
func datasync(file *os.File) error { return file.Sync() }
