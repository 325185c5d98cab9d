// Package lease gives batches of followers to consumers that come and ask for them, and that may go away at any moment.
//
// A [Desk] has the followers of a log whose handler is whoever fetches. [Desk.Fetch] begins a follower, waits for its
// batch, and gives that away with a lease: until it runs out nobody else is given anything of that follower.
// [Desk.Ack] says that the batch was handled, and [Desk.Nack] that it was not; [Desk.Extend] puts off the end of the
// lease. What is done with the batch then is what [eventlog.Log.Deliver] does: it moves the cursor, tries again after
// a pause, or narrows the batch to the entry that fails, and parks that. A lease that ran out is a failure as well.
//
//	fetch ──▶ Deliver begins ──batch──▶ leased ──ack──▶ its cursor is durable, Deliver ends
//	                            ▲          │ nack, or the lease runs out
//	                            └─ offered ◀ what failed is kept, and counts
//
// A follower runs, and has its name and a batch in memory, from the fetch to the ack, and after a failure for [Linger]
// longer than anybody asks for it. So one whose consumers are idle costs nothing, and can be followed otherwise. Leases
// are in memory alone: with the process they are lost, and the batch comes again.
package lease
