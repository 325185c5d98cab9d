// Package analysis pairs the entries of a log that begin something with those that end it, and says in
// numbers how that went: a payment that was sent and one that settled, a job that was queued and one
// that finished. It reads entries and does no I/O of its own.
//
// There are a few types:
//
//   - [Join] says which entries begin and which end something, by which [Key] they belong together,
//     how far apart they may be, and which end goes with which start ([Pairing]).
//   - [Outcome] is what the join says of an entry: that it is one of a pair, with its latency, or why
//     it is not. Nothing that the join was given goes without one.
//   - [Summary] is the outcomes in numbers: counts, success, latencies, and the exact sum of a number
//     that stands in the payload. [Group] is the same for one module or author.
//   - [Census] counts entries by kind, module and author.
//
// A walk: what comes from [eventlog.Log.Entries], from a tail that ends or from a slice goes in as it
// is.
//
//	join := analysis.Join{
//		Start:  analysis.Side{Kinds: []string{"sent"}},
//		End:    analysis.Side{Kinds: []string{"settled"}},
//		Within: time.Minute,
//	}
//	entries := log.Entries(ctx, eventlog.Query{Order: eventlog.Causal, Kinds: join.Kinds()})
//	summary, err := analysis.Summarize(join.Outcomes(entries), analysis.Breakdown{})
//	fmt.Println(summary.Total.Latency.P95)
//
// # Units
//
// Distances and latencies are [time.Duration] everywhere, and in JSON whole nanoseconds in a field
// whose name ends in Ns. Sums are exact: of latencies as integers, of numbers in payloads as decimals.
// A pair keeps its latency and its number together; percentiles are taken from a copy.
//
// # Memory
//
// The join is a hash join over entries in order of time: an entry costs the same however many there
// are. Entries need not come in that order: as many as [Join.Window] are held back and sorted. What
// comes later than that is an outcome of its own, [Late], and takes no part. The window is counted in
// entries, not in time, so that an entry with a time in the far future waits in it until the end and
// makes no other late. Beside the window the join holds what it has not paired within the distance,
// and one small record for each key that it has, at most [Join.MaxBytes].
//
// # What it does not do
//
// It keeps no whole entry: a [Mark] has the place to look it up by. It orders nothing by cause: two
// nodes whose wall clocks disagree measure that too, and an end that comes out before its start is
// named so. Whoever wants one scale measures by [ByClock], to the millisecond.
package analysis
