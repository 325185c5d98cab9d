// Package recorder records events for code that must not wait: a request handler, a loop of a trading
// engine. Record puts an event into a bounded buffer and returns; the recorder writes what has gathered
// to the log, many in one transaction.
//
// A [Recorder] is made by [New] from a [Config], does its work in [Recorder.Run], and ends with
// [Recorder.Close]; [Stats] says what has become of every event.
//
// # A walk
//
//	r, err := recorder.New(log, recorder.Config{Name: "orders", Overflow: recorder.Spill, Dir: "/var/lib/shop/spill"})
//	go r.Run(ctx)
//	…
//	err = r.Record(crdt.Event{Kind: "order.paid", Subject: "42"})
//	…
//	err = r.Close(ctx)
//
// The event's time is that of the call. What waits is written when 100 events, 1 MiB or 5 s have
// gathered. When the buffer is full, [Overflow] says what happens: an error, waiting, a file, or a loss
// that a gap entry names (package gap). An event that can never be an entry is refused by Record, so
// that it cannot hold up others later; what fails then is the log's disk, and is tried again for as long
// as it takes.
//
// # Numbers
//
// Each event that is recorded gets the next number, counted from 1 over all runs of the program. Events
// are written in the order of their numbers, and the transaction that appends them notes the number of
// the last one in the bucket "quipu.recorder/NAME" of the log. So whatever is written again, after a
// commit that may have happened or from a spill file that outlived the process, becomes an entry once.
//
//	1 … settled      entries, or named by a gap
//	… in the buffer  lost by a crash
//	… in the spill   found by the next New
//
// # After a crash
//
// New finds what the run before has left. Spilled events are written first. What was lost is named by a
// gap entry: with Config.Dir, a file there counts what was recorded, and after the end of a process the
// gap says exactly which numbers are lost; one event more where the process ended within a Record. After
// the end of the machine that file cannot be trusted, and without Config.Dir there is none: the gap then
// says how many may be lost at most, all that can wait in memory and what the disk may not have of the
// spill. Nothing is said after Close.
//
// # What it does not do
//
// It has no goroutine but Run's caller. It keeps no copy of what is in the log, and sends nothing
// anywhere: what writes entries to other systems follows the log.
package recorder
