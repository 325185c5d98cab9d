// Package copyout reads out of a log's file what a backup of the log is to hold, while others write to the log.
//
//	small part   all in one transaction, into a file of the system's: nobody is waited for in it
//	ops          in order of arrival, in transactions of a MiB each, which end before anything is written
//
// What cannot be read is noted by place, and the rest is read all the same. What a trim or a prune has taken before it
// was read is copied as it is then.
package copyout
