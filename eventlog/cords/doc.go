// Package cords counts the entries of a log by author, kind and time, so that all of it can be drawn without being read.
//
// A [Projection] is kept beside the log by one follower, [Projection.Keep]. Of each author it has a record of at most 1 KB,
// whatever he has written: his cord, a list of cells in order of time that do not overlap.
//
//	… ─[ 1 ms, 1 entry ]───[ 2^21 ms, 340 entries ]──[ 2^18 ms, 12 entries ]─ …
//
// A cell is an interval of 2^k milliseconds that begins at a multiple of its length. How many entries of which kinds have
// their time in it is exact, and so is the range of their seqs. Where a record has no more room, neighbours become one
// cell: those first that lose least by it, few entries in a short time. An entry that stands alone keeps its millisecond and
// its seq for as long as there is room, a dense stretch its share; nothing depends on the order in which entries arrive
// but which neighbours those are, and a time far from all others costs one cell.
//
// [Projection.Read] returns the cords of a [Window] as a [Picture], by cells of one length, the bucket. Cells that are
// longer it splits exactly by reading the entries in their range of seqs, as long as these are few, and what the
// projection has not reached yet it reads as well: a picture counts all that had arrived, up to a cursor at which a
// Log.Tail goes on.
//
// Counted is what has arrived. Bodies that were trimmed stay counted; cells of which all was pruned are forgotten. Entries
// that came without their body are counted at the time of their op's clock, and their kind is not told.
package cords
