// Package identity tells whether a file is the one that it was, or a copy.
//
// A program that must not go on from an old copy of its own file keeps in the file what the file was, and compares at
// each start:
//
//	is, err := identity.Of(file)
//	verdict, detail := identity.Compare(was, is)    // Hard, "inode 99, was 12; another host"
//	was = identity.Renew(was, is)                   // what is to be kept from now on
//
// An [Identity] is the file's inode and birth time, which a copy does not have; the device, the mount, the host and the
// boot at which it was found, which only say that there was an opportunity; and the kind of the file system, which
// says how much the inode and the birth time prove. [Compare] says [Hard] only where a copy is the one explanation, and
// [Soft] where the file may well have stayed while all around it changed. What is not known on either side says nothing.
//
//	            inode  birth  device  mount  host  boot  file system
//	linux         x      x      x       x     x     x        x        statx (the mount from Linux 6.8 on), statfs
//	darwin        x      x      x             (x)   x        x        a boot's id is that of its host too
//	windows       x      x      x             x              x        the index of the file, the serial of the volume
//	others                                                            nothing: Compare says Same
//
// What a copy that was written into the file leaves as it was, a [Witness] beside the file can tell.
package identity
