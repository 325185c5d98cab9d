package findtest

import (
	"os"
	"testing"
)

// lacking skips a test for which this machine lacks something, or fails it where nothing may be lacking.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("QUIPU_E2E") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}
