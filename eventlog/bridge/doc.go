// Package bridge records a stream that a program has in memory, such as a broadcast of what its parts do,
// as entries of a log: every value of it, in order. No value is lost in silence: where one cannot be
// recorded its producer is told, or a gap entry in the log says which it was, see package gap.
//
// There are a few types:
//
//   - [Bridge] takes values of the program's own type and appends them as events.
//   - [Config] says how a value becomes an event, and how much may wait.
//   - [Overflow] is what happens to a value for which there is no room: it waits, it is refused, or it
//     is dropped and named in a gap.
//   - [Stats] are the counts of all that.
//
// # A walk
//
// [New] makes a bridge; it starts nothing. [Bridge.Run] appends what waits, all of it in one
// transaction after the other, until the bridge is closed. [Bridge.Publish] puts a value in the queue
// and returns; [Bridge.Record] returns once it is durable, with its place. [Bridge.Subscribe] publishes
// what comes out of a channel. [Bridge.Flush] waits until all that was published is durable, and
// [Bridge.Close] takes nothing more and does the same:
//
//	b, err := bridge.New(ctx, log, bridge.Config[Sale]{Name: "till", Encode: encodeSale})
//	…
//	group.Go(func() error { return b.Run(ctx) })
//	err = b.Publish(ctx, sale)
//	…
//	err = b.Close(closeCtx)
//
// [NewTransitions] makes a bridge for moves, which names after each move the one before it.
//
// # Numbers
//
// Each value has a number: the bridge counts them from 1 on, or the source does, see Config.Number. The
// number of the last one that is durable is kept beside the log in the transaction of its entry, under
// the bridge's name, and the count goes on from there after a restart. So the bridge sees that a commit
// that seemed to fail has happened, and never appends twice; and with a source that numbers its values
// it sees which ones never came: those that the source itself lost, and those that a crash took from
// the queue. They are named in a gap entry, before the value that came after them. A stream of which
// nothing is durable yet begins with the first number that comes.
//
// Read in order, the feed of the log therefore shows each number up to the last as the entry of its
// value or inside exactly one gap.
//
// # What it does not do
//
// It does not make a queue survive a crash: what was published and is not durable yet goes with the
// process, and without a source's numbers nobody can say so afterwards. Who must know uses Record. It
// cannot see what a sender drops before it gets into the channel of Subscribe, unless the values are
// numbered. It does not retry when the log is read-only: it says which numbers are not known to be
// durable, and the log must be opened again.
package bridge
