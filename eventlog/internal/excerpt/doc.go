// Package excerpt puts what was read of several ops in the order in which it is to be shown: pure.
//
//	Op        an op that was copied out of the file
//	Excerpt   a stretch of consecutive entries of one op, or a Hole in the place of entries
//	Hole      a stretch of entries that are not here
//	Stand     where an op stands in the orders by author and by clock
//	Memory    what ops are copied into
//	Merger    makes excerpts of the ops of one author, branches and all, in the order (seq, op id)
//	Unpacker  reads the entries of excerpts, one after the other, into one place
//
// A reading makes excerpts in a transaction, and unpacks them when that has ended. What is damaged, which entries are
// asked for and what a hole means to whom is the reader's to say.
package excerpt
