package identity

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// of asks statx, or fstat where that is not there or not allowed.
func of(f *os.File) (is Identity, err error) {
	var x unix.Statx_t
	const want = unix.STATX_INO | unix.STATX_BTIME | unix.STATX_MNT_ID_UNIQUE
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, want, &x) == nil {
		is.Inode, is.Device = x.Ino, unix.Mkdev(x.Dev_major, x.Dev_minor)
		if x.Mask&unix.STATX_BTIME != 0 {
			is.Birth = x.Btime.Sec*1e9 + int64(x.Btime.Nsec)
		}
		if x.Mask&unix.STATX_MNT_ID_UNIQUE != 0 {
			is.Mount = x.Mnt_id
		}
	} else {
		var old unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &old); err != nil {
			return is, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
		}
		is.Inode, is.Device = old.Ino, uint64(old.Dev)
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &fs) == nil {
		is.FS = nameOf(uint32(fs.Type))
	}
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if is.Host == [16]byte{} {
			is.Host = own(idIn(path), "host")
		}
	}
	is.Boot = own(idIn("/proc/sys/kernel/random/boot_id"), "boot")
	return is, nil
}

// idIn returns the id of 16 bytes that stands in a file in hex, with or without hyphens; nil where it does not: a
// machine id may be empty, or say that there is none yet.
func idIn(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	id, err := hex.DecodeString(string(bytes.ReplaceAll(bytes.TrimSpace(text), []byte("-"), nil)))
	if err != nil || len(id) != 16 {
		return nil
	}
	return id
}

// kinds are the names of file systems by what statfs says.
var kinds = map[uint32]string{
	unix.EXT4_SUPER_MAGIC: "ext", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
	0x2fc12fc1: "zfs", unix.BCACHEFS_SUPER_MAGIC: "bcachefs", 0x3153464a: "jfs", unix.TMPFS_MAGIC: "tmpfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", 0x482b: "hfs", 0x7366746e: "ntfs",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.NFS_SUPER_MAGIC: "nfs", unix.V9FS_MAGIC: "9p", // virtiofs is of FUSE's kind
	unix.SMB_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "smb", unix.SMB2_SUPER_MAGIC: "smb",
	0x786f4256: "vboxsf", unix.AFS_SUPER_MAGIC: "afs", unix.AFS_FS_MAGIC: "afs", unix.CODA_SUPER_MAGIC: "coda", 0x61756673: "aufs",
	unix.MSDOS_SUPER_MAGIC: "fat", unix.EXFAT_SUPER_MAGIC: "exfat", 0x7c7c6673: "prlfs", 0xbacbacbc: "vmhgfs",
}

func nameOf(kind uint32) string {
	if name := kinds[kind]; name != "" {
		return name
	}
	return fmt.Sprintf("%#x", kind)
}
