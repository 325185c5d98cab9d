//go:build unix

package disk

import "golang.org/x/sys/unix"

// majorFaults returns how many pages this process has waited for until they were read from a disk, or -1.
func majorFaults() int64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return -1
	}
	return int64(usage.Majflt)
}
