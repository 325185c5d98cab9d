package recorder

import "golang.org/x/sys/unix"

// bootID names the run of the kernel: what was written but not synced under the same name was not lost.
// "" means that it cannot be told.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
