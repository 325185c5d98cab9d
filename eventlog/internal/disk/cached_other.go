//go:build !linux

package disk

import "os"

// dropCached does nothing where there is no way to ask.
func dropCached(*os.File) error { return nil }
