//go:build !linux && !darwin && !freebsd && !windows

package folder

import "errors"

// freeRoom says that nobody knows how to ask here.
func freeRoom(string) (uint64, error) { return 0, errors.ErrUnsupported }
