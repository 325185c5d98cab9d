// Package disk is the one file of a log: bbolt behind checks, and nothing of what the log means. It is the
// only importer of bbolt, and what it imports of quipu's is what a file is to the system, package identity.
//
// bbolt trusts what it maps. A page that names itself as its child keeps bbolt going round until the memory
// is used up, a page beyond the end of the file ends the process, a wrong count of free pages is an
// allocation of that much. So a file is looked at by plain reads before it is mapped, and in a transaction
// each page is checked before anybody follows it:
//
//	File     a file that is open: locked, mapped, marked when a sync of it failed, and with what it was seen to hold;
//	         copied and exchanged
//	Tx       one state of the file, seen, or changed and committed
//	Tree     a bucket of it: keys in order, with values or trees of their own
//	Cursor   a place among the keys of a tree
//	Damage   what is not as it was written
//	Remains  the pages of a file that cannot be opened any more
//
// Damage is no panic, and no caller must look for it at each step: the first damage that a transaction
// meets stays with the transaction. From then on every [Tree.Get] returns nil, every [Cursor] is at none,
// every [Tree.Put] refuses and nothing is committed. Whoever ends the transaction asks [Tx.Err]. What is
// left to recover from are faults of the mapping, and bbolt's own panics where a page changes after it was
// checked; [Tx.Do] makes damage of those too.
//
// The error of a commit says why it failed: for want of room ([NoRoom]), with the disk ([Failed]), or refused by
// bbolt, which is neither. What is visible after that may not be on disk; [File.Reopen] has the file read anew.
//
// The package does not know what a damaged page costs, who is told, or whether anybody goes on: see package
// eventlog. It keeps no folder durable: who makes a file or puts one in the place of another syncs that.
package disk
