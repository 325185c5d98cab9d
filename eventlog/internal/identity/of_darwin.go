package identity

import (
	"os"

	"golang.org/x/sys/unix"
)

// renamed are the kinds of file systems that are called otherwise on other systems.
var renamed = map[string]string{
	"msdos": "fat", "smbfs": "smb", "afpfs": "remote", "virtiofs": "fuse", "macfuse": "fuse", "osxfuse": "fuse",
}

func of(f *os.File) (is Identity, err error) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return is, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	is.Inode, is.Birth, is.Device = stat.Ino, stat.Btim.Nano(), uint64(uint32(stat.Dev))
	var fs unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &fs) == nil {
		is.FS = unix.ByteSliceToString(fs.Fstypename[:])
		if name := renamed[is.FS]; name != "" {
			is.FS = name
		}
	}
	if boot, err := unix.Sysctl("kern.bootsessionuuid"); err == nil {
		is.Boot = own([]byte(boot), "boot")
	}
	return is, nil
}
