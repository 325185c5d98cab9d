package identity

import (
	"fmt"
	"strings"
	"time"
)

// Verdict is what [Compare] found.
type Verdict uint8

const (
	Same Verdict = iota // nothing that is known has changed
	Soft                // the file may be a copy, or an older state of itself
	Hard                // the file is a copy
)

func (v Verdict) String() string { return [...]string{"same", "soft", "hard"}[v] }

// keeps names the kinds of file systems on which a file has its inode and its birth time for as long as it is there,
// whatever is mounted, moved, resized or restored from below. In an overlay a file that was written there is that of
// the layer above; one that comes from a layer below has become a copy, and gets another birth time.
var keeps = map[string]bool{
	"ext": true, "xfs": true, "btrfs": true, "f2fs": true, "zfs": true, "bcachefs": true, "jfs": true, "tmpfs": true,
	"overlay": true, "apfs": true, "hfs": true, "ntfs": true,
}

// forgets names the kinds that number files anew at each mount, or show those of another machine, whatever they
// have kept so far.
var forgets = map[string]bool{
	"fuse": true, "nfs": true, "smb": true, "9p": true, "vboxsf": true, "afs": true, "coda": true, "aufs": true, "fat": true,
	"exfat": true, "prlfs": true, "vmhgfs": true, "webdav": true, "remote": true,
}

// Keeps reports whether a kind of file system is known to keep what a file is.
func Keeps(fs string) bool { return keeps[fs] }

// Forgets reports whether a kind of file system is known not to.
func Forgets(fs string) bool { return forgets[fs] }

// Compare says whether a file is the one that it was, and in words what has changed.
//
//	                                   keeps both, or was seen to     is not known to     forgets
//	inode or birth time differ         Hard                           Soft                Soft
//	device, mount, host, boot differ   Soft                           Soft                Soft
//
// The table counts on the worse of the two file systems where they differ.
func Compare(was, is Identity) (Verdict, string) {
	var changed []string
	verdict := Same
	tell := func(v Verdict, format string, args ...any) {
		verdict = max(verdict, v)
		changed = append(changed, fmt.Sprintf(format, args...))
	}
	another := Soft
	if proves(was.FS, was.Kept) && proves(is.FS, was.Kept && is.FS == was.FS) {
		another = Hard
	}
	if differ(was.Inode, is.Inode) {
		tell(another, "inode %d, was %d", is.Inode, was.Inode)
	}
	if differ(was.Birth, is.Birth) {
		tell(another, "made %s, was made %s", at(is.Birth), at(was.Birth))
	}
	if differ(was.FS, is.FS) {
		tell(Soft, "file system %s, was %s", is.FS, was.FS)
	}
	if differ(was.Device, is.Device) {
		tell(Soft, "device %#x, was %#x", is.Device, was.Device)
	}
	restarted := differ(was.Boot, is.Boot)
	if differ(was.Mount, is.Mount) && !restarted { // else they are numbered from the beginning
		tell(Soft, "mount %d, was %d", is.Mount, was.Mount)
	}
	if differ(was.Host, is.Host) {
		tell(Soft, "another host")
	}
	if restarted {
		tell(Soft, "another start of the machine")
	}
	return verdict, strings.Join(changed, "; ")
}

// Renew returns what is to be kept of a file that was found to be what it is: that its file system has kept inode and
// birth time over a start of the machine is not forgotten as long as the file is on one of that kind.
func Renew(was, is Identity) Identity {
	is.Kept = was.FS == is.FS && (was.Kept || differ(was.Boot, is.Boot) && is.isFile(was))
	return is
}

// proves reports whether another inode or birth time proves that a file is another, on a kind of file system that was
// seen to keep both, or not.
func proves(fs string, kept bool) bool { return keeps[fs] || kept && !forgets[fs] }

// isFile reports whether inode and, if it is known on both sides, birth time are the same.
func (is Identity) isFile(was Identity) bool {
	return is.Inode != 0 && is.Inode == was.Inode && !differ(is.Birth, was.Birth)
}

// differ reports whether two things are known and not the same.
func differ[T comparable](was, is T) bool {
	var unknown T
	return was != unknown && is != unknown && was != is
}

func at(birth int64) string { return time.Unix(0, birth).UTC().Format(time.RFC3339Nano) }
