// Package whole puts files in place whole: a reader sees the old content or the new, and so does whoever
// looks after a crash.
//
//	D/peers.json            what is read
//	D/.peers.json.new-1234  what is being written; [File.Keep] gives it the name
//
// [Write] replaces a file by bytes, [Create] begins a file that is written bit by bit; [Target], [Inherit]
// and [SyncFolder] are their steps, for a caller with a file of its own to put in place. One rule for
// links: what is written at a link is written at its target, in the target's own folder, and the link
// stays. A replaced file keeps its mode, and where root replaces it its owner.
//
// A new content is synced before it gets the name, and the folder after, where the system can sync one. A
// crash may leave a file whose name begins with a dot and has ".new-" in it: nobody reads that, and whoever puts the next
// one in place removes it, or [RemoveDrafts].
//
// [Move] and [MoveBack] are for files that get their names one after the other and count together.
//
// Nothing is locked but what is being written. Of two processes that put a file at one path at once, the last one wins.
package whole
