//go:build unix

package gateway

import "golang.org/x/sys/unix"

// openFiles returns how many files this process may have open; as many as there can be connections where nobody says.
func openFiles() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return maxConns
	}
	return uint64(limit.Cur)
}
