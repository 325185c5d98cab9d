// Package sys makes the calls to the system that change what is on disk, each in one place, so that a test can stand
// between the log and the disk: count the calls, fail one, end there, or write down what a power cut may leave.
//
//	sys.Rename(from, to)  ──no watcher──▶  os.Rename
//	                      ──watcher─────▶  watcher(Call{Do: "rename", …})  ──▶  os.Rename, an error, or nothing
//
// [Watch] installs a watcher for all files below a folder. A program installs none, and then each function is the one
// of package os that it is named for, after the load of a pointer. What bbolt does to its file does not come here at
// all without a watcher: package disk looks for one when it opens a file ([Watched]), and hands bbolt's calls over only
// then.
//
// Calls that change nothing (reading, opening, locking), and those whose loss a crash does not show (modes, owners), go
// to the system directly.
package sys
