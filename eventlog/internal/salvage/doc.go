// Package salvage makes a new file of a log out of what a damaged one still gives, page by page, whatever its metas, trees
// and list of free pages say.
//
// The value of an op carries its offset and a sum over both, and its header names author, log and place: so an op is
// known for what it is wherever it lies. [Run] takes, in this order, and of each op the first that it meets:
//
//	reached   what the newest tree that is left reaches, as it reaches it
//	in use    ops on pages that this tree does not reach and that are not free: a branch above them is damaged
//	the rest  ops on free pages, or with nothing left that says which are: as good, if the log still holds them
//
// What a free page has may have been pruned, or never have been committed. So of those what lies below a floor stays
// forgotten, and where the tree is known to be that of the last commit, of our own feed only what its chain lacks is taken:
// an op that we signed and never told of, beside the one that we told of instead, would be a fork.
//
// Followers, their state, what they parked, the times and meta come from the tree alone: a cursor on a free page is one of
// earlier. What could not be had is named in the [Report], and what is missing of feeds is a hole there, see package refill.
//
// Memory is bounded by authors, holes and one window of the file; pages take two bits each.
package salvage
