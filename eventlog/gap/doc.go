// Package gap says in the log what is not in it: entries of kind [Kind] that name how many events a
// program lost, and which, before they could become entries. Whoever reads the log then knows that
// something is missing, and where.
//
// There are two types: [Gap] is what one such entry says, [KindCount] how many of a kind are in it.
//
// # A walk
//
// A producer that must drop counts what it drops with [Gap.Add], or [Gap.AddRange] where nothing but
// the numbers is known, and appends the gap before the events that follow it, in their transaction:
//
//	var lost gap.Gap
//	lost.Add(4, "sold", at)
//	lost.Source, lost.Reason = "till", "queue full"
//	err := log.Update(ctx, func(tx *eventlog.Tx) error {
//		if _, err := gap.AppendTx(tx, lost); err != nil {
//			return err
//		}
//		_, err := tx.Append(next)
//		return err
//	})
//
// A reader asks for Query{Kinds: []string{gap.Kind}} and reads each entry with [Parse].
//
// # The entry
//
// The event's kind is [Kind], its module the gap's Source, its time Until where that is known. It is
// persistent. The payload is JSON that never changes its form: these fields in this order, without
// white space, those without a value left out.
//
//	{"reason":"queue full","count":3,"first":4,"last":6,"from":"2026-01-02T12:00:00.000000000Z",
//	 "until":"2026-01-02T12:00:01.000000000Z","kinds":[{"kind":"sold","count":3}],"atMost":true}
//
// # What it does not do
//
// Gap loses nothing, and does not decide what is lost: what stands before a log does, such as packages
// bridge and recorder. What a trim has dropped is another thing: those entries were in the log, and the log
// itself says that they are gone.
package gap
