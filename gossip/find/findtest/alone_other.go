//go:build !linux

package findtest

import "testing"

// Alone skips the test: a network of its own needs Linux.
func Alone(t *testing.T, _ ...string) bool {
	t.Helper()
	lacking(t, "a network of its own needs Linux")
	return false
}
