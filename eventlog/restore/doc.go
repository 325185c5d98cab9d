// Package restore makes the folder of a log of its backups.
//
// [Into] reads those of a chain, in their order, which package backup checks on the way, and makes a file of what they
// have: ops with the offsets that they had, followers where they were, their state. The log that is opened there
// afterwards may not know the end of its own feed, and asks before it appends ([eventlog.WhyBackup]), unless the file was made for
// another author ([Options].Key).
package restore
