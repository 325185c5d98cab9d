// Package refill makes the file of a log out of what is known of one: a backup's stream, or what a damaged file still
// gives.
//
// A [Maker] is told of ops, each with the offset that it has, in any order ([Maker.Op]), and of all else as the keys
// and values that stand in the file ([Maker.Pair]): meta, followers, state, and of each feed the record, where that is
// known. [Maker.Finish] holds each feed's ops against each other and against its record, makes the record anew, and
// gives the file its name. Up to then there is no file of that name, and after an error there is none.
//
// No checksum is trusted: of each op form, hashes and root are checked, and the signature of the last one of each
// branch, which vouches for the chain before it. What is missing between ops is a [Hole]: where the feed's record says
// that more is held, the record stays, and the hole is told.
//
// Of what is left of a damaged file nothing is refused: [Maker.Scraps] has a record that says more than is there, or less,
// made of both.
//
// Memory is bounded by what one transaction takes, and in [Maker.Finish] by the number of authors; never by the number
// of ops.
package refill
