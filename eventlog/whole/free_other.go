//go:build !linux && !darwin && !freebsd && !windows

package whole

import "errors"

// Free returns [errors.ErrUnsupported]: nobody knows how to ask here.
func Free(string) (uint64, error) { return 0, errors.ErrUnsupported }
