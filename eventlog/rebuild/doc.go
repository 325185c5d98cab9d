// Package rebuild folds a fixed range of a log into a state: a table of what orders are in which stage, an index of
// a program's own, a balance. It is for programs that make their state anew from history, after a loss, for a new
// version, or on a node that has just joined.
//
// There are a few types:
//
//   - [Projection] is what a program hands in: how its state begins, takes an entry, is kept and taken up again.
//   - [Config] says what is folded and how; [Range] is what that came to when the rebuild began.
//   - [Elsewhere] is a Projection whose state lies in another file or a database.
//   - [Status] says how far a rebuild is, [Result] what came of it.
//
// # A walk
//
//	result, err := rebuild.Run(ctx, log, "balances", rebuild.Config{Order: eventlog.Causal}, balances)
//
// The range is fixed when the rebuild begins: all that the log holds, or what a frontier stands for, less what a
// snapshot covers. It is kept with the state, so what arrives meanwhile, and whatever kills the process, changes
// nothing of it. The entries come in author or causal order, disputed as of the end of the range and not as of now.
// None of this depends on the node: a rebuild of one range gives the same bytes wherever it is run, if the
// projection asks nothing but the entries.
//
//	begin          New          the range, a holder of trims          one transaction
//	               Apply …      outside of any transaction
//	each 10 s      Store        the state, and the place reached      one transaction
//	               Apply …
//	               Conclude     if the projection has it
//	end            Finish       the result, and that it has finished  one transaction
//
// A kill is found by the next Run, which calls Load and goes on behind the place that was reached: what is done
// again is 10 s of work, or 5,000 entries where these take longer. After the last transaction Run returns its result
// and does nothing.
//
// While a rebuild is under way a follower called [Prefix] and its name holds back trims, through restarts, until the
// rebuild ends or is dropped: not up to the policy's MaxHold, as others do, but what has arrived of the range, however
// long that is, and until nobody has gone on with the rebuild for a week. What goes then is told to who goes on later.
// The bucket of that follower holds the state. To remove the follower is to drop the rebuild.
//
// # What can go wrong
//
// An entry that is gone is a [*eventlog.TrimmedError], unless Config.SkipTrimmed says to go on; what is not here yet
// an [*eventlog.NotHeldError], and what is damaged here an [*eventlog.DamagedError], unless it comes while Config.Wait
// says to wait for it. A saved state of a version that nobody knows is a [*VersionError]. Nothing begins anew by
// itself: Config.Anew and [Drop] do. Kinds that a projection does not
// know are its own to pass over.
//
// Whether a program serves from the state of an earlier time while a new one is made is its choice: with
// Config.Unusable, [Usable] says so in the transaction that reads it.
//
// # What it does not do
//
// It keeps no state up to date: a follower does, see [eventlog.Log.Follow]. It does not fetch: what is not here
// comes by gossip, which a node does by itself.
package rebuild
