// Package ids keeps which entry of a log's own bears which id, so that an event that comes twice is appended once.
//
// An id is a header of the event, and so of its entry: [Header]. It counts beside the header [Scope], which says on whose
// behalf the event is appended; where that is missing the scope is "". The file has for each author who writes here, or
// did, a row an id, see package schema:
//
//	author → key (20) → seq (8) ‖ sum of the event (16) ‖ CRC-32C (4)
//
// Rows are made of the entries, and of nothing else: each entry that bears an id and has its body has a row. (Where one could
// not be read while it came once more, and was put back then, the row is that of the second.) So rows go with the bodies
// ([Ours.Forget]), come with what is put back ([Ours.Add]), are in no backup, and can be held against the entries ([Check]).
// Two events are the same where they differ in time at most: one that is sent once more without a time of its own gets
// another.
//
// It does not know who writes here, nor what is pruned: a row below the beginning of its feed is one of an op that could
// not be read when it was dropped, and counts for nothing.
package ids
