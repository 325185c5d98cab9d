//go:build !linux

package doctor

import "errors"

// boundsOf returns the bounds of a process, of this one for 0.
func boundsOf(int) (bounds, error) { return bounds{}, errors.ErrUnsupported }
