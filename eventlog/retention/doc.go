// Package retention says what a node forgets, and who keeps it from that: pure.
//
// A [Policy] says how old and how far from the end of its feed an entry is whose body goes, and which ops are taken from
// others without theirs. [Holders] are the followers and members who have not come so far yet: each [Hold] keeps back what
// arrived at or after an offset, up to the policy's MaxHold, or a stretch of it until a time. What was kept back for whom is a [HeldBack], and a [Holder]
// says where one stands. A [PruneRequest] says what of our own feed every node may forget.
//
// What a trim did is a [Report], what a prune did a [Pruned]. What is not here of a feed is a [GoneFrom], and who asks for
// it gets a [TrimmedError]. Package eventlog finds what there is to forget, and forgets it.
package retention
