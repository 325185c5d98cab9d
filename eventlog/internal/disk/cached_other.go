//go:build !linux

package disk

import "os"

// DropCached does nothing where there is no way to ask.
func DropCached(*os.File) error { return nil }
