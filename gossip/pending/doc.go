// Package pending keeps runs that came before the ops that they name, until those are there: stretches of
// a feed that come from several peers, pushes that overtook each other.
//
//	held here      next                     pending
//	●──●──●──●──●──┤     not here yet     ├──●──●──●  one peer's
//	                                      ├──●──●     another's, of which nobody knows yet that it is the same
//
// A [Runs] is used by whoever has runs stored, one after the other. [MustWait] says which of them cannot be
// placed yet; [Runs.Keep] keeps such a one. When the feed has grown, [Runs.Placeable] gives back what may be
// placed now. [Runs.Expire] drops what has waited too long, and [Runs.TakeLost] says whose runs were
// dropped, so that they are asked for again.
//
// Nothing in a run that is pending has been verified, so nothing of it is believed but where it begins. What
// is kept is bounded by [MaxBytes]. When that is full, the link that most of it came on makes room: a peer
// that sends runs without end that cannot be placed pushes out its own.
//
// The package does not verify, store or ask for anything, and is used from one goroutine.
package pending
