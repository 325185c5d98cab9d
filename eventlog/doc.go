// Package eventlog keeps a log on disk: this node's own feed, to which it appends, and the feeds of all
// others, which it stores as peers send them. A log is one file, quipu.db; what lies beside it
// (quipu.db.seen) only helps to notice that an older copy was put in its place.
//
// # Writing and reading
//
// [Create] makes a log in a directory and [Open] opens it again; one process at a time has it open. [Log.Append]
// makes an event an entry, and returns its place once the entry is on disk. Writers that wait share one transaction,
// one signature and one sync. [Log.Update] appends in the same transaction as keys of the caller's own, see [Tx] and
// [Bucket]; [Log.View] reads those keys as they are at one moment, and keeps nobody waiting.
//
// [Log.Entries] reads what a [Query] asks for, in author, causal or arrival order (see [Order]), as of the
// moment when it begins. [Log.Page] reads a page at a time, and [Log.Tail] goes on with what arrives. No
// reading holds a transaction while its caller has control, and none needs memory that grows with the log.
// A [Cursor] says where a reader goes on after a break. [Log.Lookup] returns the one entry at a place, and
// [Log.Prove] a proof of it for somebody who has only its author's key. [Log.Cut] returns the set of
// entries that a frontier stands for: what a node held when it said so.
//
// [Log.Follow] is a tail with a name, which goes on where it was after a restart. What its handler does in
// a transaction and the place that it has reached are one commit, so that each entry has its effect exactly
// once. [Log.Deliver] is the same for effects elsewhere, at least once. An entry that a handler cannot
// handle stops the follower, is tried again, or is parked: see [Log.Parked] and [Log.ReplayParked].
// [Log.Followers] says where each follower stands.
//
// An event of the class transient is stored nowhere: [Log.Broadcast] tells it to whoever is in a loop over
// [Log.Listen] at that moment, here and by choice on connected peers.
//
// [Log.Index] keeps an index of subjects and kinds: a query that names some then reads little more than
// what it returns. What is not indexed yet is scanned, so the index changes how long a query takes, never
// what it shows. It may be left out, damaged or dropped ([Log.RebuildIndex]).
//
// # Other nodes
//
// [Log.Frontier], [Log.Wants], [Log.Plan], [Log.Read] and [Log.Apply] are the steps of a sync between
// two nodes, as values of package crdt; moving them over a network is package gossip's work.
//
// An author who signs two ops after one has forked its feed: a copied folder writes on, or somebody lies. Every
// branch is kept, its entries are disputed, and [Log.ForkedFeed] says where the feed parts, with the proof. Once our
// own feed has forked nothing is appended any more ([ErrSecondWriter]). While the end of our own feed may not be known
// here, as after a backup was restored or the folder copied, nothing is appended either ([ErrRecovering], [Why]): until
// [Log.Settle] has asked Config.Peers, or [Log.Recover] says where it is.
//
// # Forgetting
//
// Three things make a log smaller. [Log.Trim] drops the bodies of trimmable entries that are old enough by this
// node's [TrimPolicy], and keeps their headers. [Log.Prune] signs a floor: leave for every node to forget what lies
// below it in our own feed, which the next [Log.Trim] of each node does. Followers and other holders keep both back
// ([Log.Holders]). [Log.Compact] gives the room that has become free back to the file system. A reader of what is
// gone gets a [*TrimmedError] with the place to go on at, or passes it by, as the query says ([Gone]).
//
// # When things go wrong
//
// What was acked is durable, and nothing is shown to anybody before it is. A commit that fails may have
// happened all the same: its callers get an [*UncertainError] with the places to look at. A full disk
// passes. After any other failed write, and after a failed sync, the log closes its file, opens and
// verifies it, and goes on with what is there; writers wait for that. Only if the file is damaged or cannot
// be synced again is nothing written any more ([ErrReadOnly]). [Log.Health] says which of these is so.
//
// A file that was cut short or overwritten is met as a [*DamagedError], never as a crash: pages are checked
// before they are followed, and faults of the mapped file are recovered from. What is whole goes on being
// served; [Log.Verify] looks for all that is not. Where our own last op cannot be read nothing is appended,
// since the next seq might be taken.
//
// What peers send cannot fail the log: the laws of package crdt decide on it, and the [crdt.Outcome] of a
// run says what was wrong with it. An author past a limit of this node is shut ([ShutError]).
//
// # What stands on it
//
// Package typed reads and writes events as values of Go types, and transition the moves of subjects between
// stages. Package recorder takes events from code that must not wait, and bridge the values of a stream in
// memory; an entry of package gap names what either loses. Package analysis pairs entries and counts how
// that went. Package eventlogtest is for tests, and whole puts files in place as a log's own are.
//
// # What it does not do
//
// A log has no goroutine that outlives a call, but for the one that opens the file again after the disk has
// failed. A long reading has one that reads the file ahead, and [Log.Apply] one that verifies; a follower,
// an index and a trim run in their caller's. A log opens no connection.
package eventlog
