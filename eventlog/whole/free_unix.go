//go:build linux || darwin || freebsd

package whole

import "golang.org/x/sys/unix"

// Free returns how many bytes are free on the disk of dir.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), nil
}
