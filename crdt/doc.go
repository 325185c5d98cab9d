// Package crdt holds the laws of a quipu log: what an op is, byte for byte, where it goes, and what
// two nodes that hold the same ops show their readers. It is pure: no I/O, no goroutines, no clock,
// no randomness. Whoever uses it brings the time, the keys and the disk.
//
// A log is a grow-only set of signed ops. Each author signs a feed of its own, a chain in which every
// op names the one before it by hash; the log is all feeds, read in the order of author and seq.
// Nodes exchange ops until they hold the same set, and the same set reads the same everywhere.
//
//	author A   ●──●──●──●        ● an op: 1 to 4,096 entries, one signature
//	author B   ●──●──●
//	                └●──●        B signed two ops after the same one: a fork, of which all is kept
//
// There are only a few types:
//
//   - An [Author] is a public key; a [Genesis] is what a log begins with, and its hash the [LogID].
//   - An [Event] is what a program hands in; an [Entry] is an event with the [Place] it has in the
//     log and the [Clock] of its op.
//   - An [Op] is the signed unit of replication: a [Header], a signature and entries. A [Signed] is
//     an op without its entries, as proofs carry it.
//   - A [Broadcast] is a transient event on its way: signed, and in no op.
//   - A [Run] is a chain of ops on its way from one node to another.
//   - A [Feed] is what is held of one author, without the ops; [Held] is how the laws ask for those.
//     [Set] is both in memory. A [Frontier] is the heads of all feeds, a [Digest] its compact form.
//   - A [ForkProof] shows that an author contradicted itself, an [EntryProof] that it wrote an entry.
//
// Writing an op: [NewDraft] checks and encodes each event, [Seal] signs them into an op behind the
// head of the writer's feed, with the clock that [NextClock] gives. The bytes are made once. They are
// stored, sent and relayed as they are and never encoded again.
//
// Taking an op from a peer: [ParseOp] admits only bytes of the one form that the format allows;
// [Run.Verify] says how many ops of a run are authorised, each by its own signature or by a later op
// that names it; [Decide] says where an op goes, and [Feed.Add] puts it there. The decision is a
// value, and what is done about it, storing it, announcing it, is done elsewhere.
//
// Comparing two nodes: they compare the roots of their digests, and where those differ descend to the
// authors that make the difference: a [Comparison] asks with a [Probe], [Digest.Answer] answers with
// a [Node]. Then [Wants] says what to ask for and [Plan] what to answer; [PlanSpan] answers for a
// stretch of one feed, of which several peers send a part each.
//
// An entry has one JSON form, which [Entry.AppendJSON] writes and [ParseEventJSON] and
// [ParseEntryJSON] read; the bytes of a payload survive it whatever they are.
//
// The package does not store, send, schedule or log anything, and it does not say who may write:
// that, like every limit on how much of a feed a node takes, is local policy.
package crdt
