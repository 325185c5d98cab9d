//go:build !linux

package eventlog

import "testing"

// dropFromMemory skips the benchmark: nothing here throws a file out of memory.
func dropFromMemory(b *testing.B, _ string) {
	b.Helper()
	b.Skip("only Linux throws a file out of memory on request")
}
