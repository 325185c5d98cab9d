package identity_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// change is what happened to a file meanwhile.
type change func(is *identity.Identity)

func all(changes ...change) change {
	return func(is *identity.Identity) {
		for _, c := range changes {
			c(is)
		}
	}
}

func nothing(*identity.Identity)       {}
func renumbered(is *identity.Identity) { is.Inode = 99 }
func bornLater(is *identity.Identity) {
	is.Birth = time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC).UnixNano()
}
func otherDevice(is *identity.Identity)    { is.Device = 0x802 }
func mountedAgain(is *identity.Identity)   { is.Mount = 4711 }
func otherHost(is *identity.Identity)      { is.Host = [16]byte{99} }
func started(is *identity.Identity)        { is.Boot = [16]byte{99}; is.Mount = 4711 }
func birthless(is *identity.Identity)      { is.Birth = 0 }
func on(fs string) change                  { return func(is *identity.Identity) { is.FS = fs } }
func kept(is *identity.Identity)           { is.Kept = true }
func hostless(is *identity.Identity)       { is.Host = [16]byte{} }
func everythingLost(is *identity.Identity) { *is = identity.Identity{} }

var copied = all(renumbered, bornLater)

const (
	otherInode = "inode 99, was 12"
	otherBirth = "made 2026-05-06T07:08:09.00000001Z, was made 2026-01-02T03:04:05.000000006Z"
	bothOther  = otherInode + "; " + otherBirth
	moreMount  = "; mount 4711, was 7"
)

// TestCompare goes through what happens to the folder of a node, and what it is taken for. Each false alarm of the
// Hard kind would stop a node that has lost nothing; each that is missed would let a copy go on.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name    string
		was     change // from a file on ext4
		is      change // from was
		verdict identity.Verdict
		detail  string
	}{
		// The file stays where it is, or nothing shows.
		{"started again", nothing, nothing, identity.Same, ""},
		{"killed", nothing, nothing, identity.Same, ""},
		{"file system or disk resized", nothing, nothing, identity.Same, ""},
		{"host renamed", nothing, nothing, identity.Same, ""}, // a name is no part of an identity
		{"folder renamed on its file system", nothing, nothing, identity.Same, ""},
		{"live migration", nothing, nothing, identity.Same, ""}, // the kernel has taken its ids along
		{"machine rolled back while it ran", nothing, nothing, identity.Same, ""},
		{"log from before identities", everythingLost, all(on("ext"), renumbered), identity.Same, ""},
		{"system that tells nothing", nothing, everythingLost, identity.Same, ""},
		{"kernel that now tells the birth time", birthless, bornLater, identity.Same, ""},
		{"kernel that no longer tells it", nothing, birthless, identity.Same, ""},
		{"container without a machine id", hostless, otherHost, identity.Same, ""},

		// The file stays while all around it changes, or is an older state that a volume was put back to.
		{"reboot", nothing, started, identity.Soft, "another start of the machine"},
		{"reboot that renumbers disks", nothing, all(started, otherDevice), identity.Soft, "device 0x802, was 0x801; another start of the machine"},
		{"volume mounted again", nothing, mountedAgain, identity.Soft, "mount 4711, was 7"},
		{"bind mount to another folder", nothing, mountedAgain, identity.Soft, "mount 4711, was 7"},
		{"loop device restored from an image", nothing, mountedAgain, identity.Soft, "mount 4711, was 7"},
		{"disk in another machine", nothing, all(otherHost, started), identity.Soft, "another host; another start of the machine"},
		{"machine cloned with its disk", nothing, all(otherHost, started, otherDevice), identity.Soft,
			"device 0x802, was 0x801; another host; another start of the machine"},
		{"pod on another host, its volume attached there", hostless, all(started, otherDevice), identity.Soft,
			"device 0x802, was 0x801; another start of the machine"},
		{"container restarted on overlayfs", all(on("overlay"), hostless), all(otherDevice, mountedAgain), identity.Soft,
			"device 0x802, was 0x801" + moreMount},
		{"LVM snapshot", nothing, all(otherDevice, mountedAgain), identity.Soft, "device 0x802, was 0x801" + moreMount},
		{"btrfs snapshot", on("btrfs"), otherDevice, identity.Soft, "device 0x802, was 0x801"}, // a snapshot keeps inodes
		{"zfs send", on("zfs"), all(otherHost, otherDevice, started), identity.Soft,
			"device 0x802, was 0x801; another host; another start of the machine"}, // and so does what is received
		{"zfs rollback", on("zfs"), mountedAgain, identity.Soft, "mount 4711, was 7"},

		// File systems whose numbers prove nothing.
		{"sshfs mounted again", on("fuse"), all(renumbered, mountedAgain), identity.Soft, otherInode + moreMount},
		{"Docker Desktop started again", on("fuse"), all(copied, started), identity.Soft, bothOther + "; another start of the machine"},
		{"FUSE that once kept its numbers", all(on("fuse"), kept), copied, identity.Soft, bothOther},
		{"NFS from another server", on("nfs"), all(renumbered, otherDevice), identity.Soft, otherInode + "; device 0x802, was 0x801"},
		{"SMB", on("smb"), renumbered, identity.Soft, otherInode},
		{"9p", on("9p"), renumbered, identity.Soft, otherInode},
		{"memory stick", on("fat"), renumbered, identity.Soft, otherInode},
		{"copied to NFS", nothing, all(copied, on("nfs")), identity.Soft, bothOther + "; file system nfs, was ext"},
		{"copied from sshfs to a disk", on("fuse"), all(copied, on("ext")), identity.Soft, bothOther + "; file system ext, was fuse"},
		{"file system that nobody knows", on("0xabc"), copied, identity.Soft, bothOther},
		{"copied to one that nobody knows", kept, all(copied, on("0xabc")), identity.Soft, bothOther + "; file system 0xabc, was ext"},
		{"the same through another file system", nothing, on("fuse"), identity.Soft, "file system fuse, was ext"},

		// Copies.
		{"cp", nothing, copied, identity.Hard, bothOther},
		{"tar or rsync to another host", nothing, all(copied, otherHost, started, otherDevice), identity.Hard,
			bothOther + "; device 0x802, was 0x801; another host; another start of the machine"},
		{"restored under the inode of the lost file", nothing, bornLater, identity.Hard, otherBirth},
		{"copied with its birth time", on("apfs"), renumbered, identity.Hard, otherInode},
		{"btrfs send", on("btrfs"), all(copied, otherDevice), identity.Hard, bothOther + "; device 0x802, was 0x801"},
		{"copied where no birth time is told", all(on("tmpfs"), birthless), renumbered, identity.Hard, otherInode},
		{"copied up from a layer below", on("overlay"), bornLater, identity.Hard, otherBirth},
		{"copied to another disk of another kind", nothing, all(copied, on("xfs"), otherDevice), identity.Hard,
			bothOther + "; file system xfs, was ext; device 0x802, was 0x801"},
		{"copied on Windows", on("ntfs"), renumbered, identity.Hard, otherInode},
		{"copied on one that kept its numbers", all(on("0xabc"), kept), copied, identity.Hard, bothOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := identity.Identity{
				Inode: 12, Birth: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano(), Device: 0x801, Mount: 7,
				Host: [16]byte{1}, Boot: [16]byte{2}, FS: "ext",
			}
			c.was(&was)
			is := was
			is.Kept = false // nobody knows that of a file that was just found
			c.is(&is)
			if verdict, detail := identity.Compare(was, is); verdict != c.verdict || detail != c.detail {
				t.Errorf("%s: %q, want %s: %q", verdict, detail, c.verdict, c.detail)
			}
			if verdict, detail := identity.Compare(is, is); verdict != identity.Same || detail != "" {
				t.Errorf("with itself: %s: %q", verdict, detail)
			}
		})
	}
}

// TestRenew learns of a file system that nobody knows that it keeps what a file is.
func TestRenew(t *testing.T) {
	was := identity.Identity{Inode: 12, Birth: 1, Boot: [16]byte{1}, FS: "0xabc"}
	for _, c := range []struct {
		name string
		was  change
		is   change
		kept bool
	}{
		{"kept over a start of the machine", nothing, started, true},
		{"inode kept, birth time unknown", birthless, started, true},
		{"the machine was not started", nothing, mountedAgain, false},
		{"not known whether it was", nothing, func(is *identity.Identity) { is.Boot = [16]byte{} }, false},
		{"other inode", nothing, all(started, renumbered), false},
		{"other birth time", nothing, all(started, bornLater), false},
		{"no inode", func(is *identity.Identity) { is.Inode = 0 }, started, false},
		{"other file system", kept, all(started, on("ext")), false},
		{"kept before", kept, nothing, true},
		{"kept before, copied since", kept, copied, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			was := was
			c.was(&was)
			is := was
			is.Kept = false
			c.is(&is)
			want := is
			want.Kept = c.kept
			if got := identity.Renew(was, is); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}
