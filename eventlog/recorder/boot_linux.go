package recorder

import (
	"os"
	"strings"
)

// bootID names the run of the kernel: what was written but not synced under the same name was not lost.
// "" means that it cannot be told.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(b) > 64 {
		return ""
	}
	return strings.TrimSpace(string(b))
}
