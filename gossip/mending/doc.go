// Package mending decides whom to ask for the holes of a log: for what it holds and cannot read any more. Peers hold the
// same heads, so no comparison shows that, and what they have of a hole shows only when they are asked. A [Schedule] is
// pure: no goroutines, no I/O, no clock; whoever uses it brings the time, and calls it from one goroutine.
//
//	Holes: what the log cannot read ─┐                  ┌─▶ Plan: asks, to be sent as they are
//	Arrived, Done: of an ask ────────┼──▶  Schedule  ───┤
//	Refused, Gone, Expire ───────────┘                  └─▶ Tried: whether all were asked in vain
//
// A hole is asked for from its end, since what is known of it is what the op behind it names: what comes fills it where it
// leads there. So an ask is for all of a hole at first; where more comes than an answer may have, for half as much,
// and where one op reaches across what was asked for, for what is halfway to what was too much. What came of the end says
// how much of the rest has room in an answer: as much is asked for next, or twice as much where that was little.
//
//	a ─ ░░░░░░░░░░░░░░░ ─ x
//	              ├ask──┤
//
// One peer is asked for a hole at a time. A peer that brings nothing is not asked for that hole again for a pause that
// doubles; another is.
package mending
