// Package transient gets transient events around, which nobody stores. An author sends its own to its links;
// each of those sends it on to its own links, once, and there it ends.
//
//	author ──▶ peer ──▶ peer's peer      hops 0, then 1
//
// A [Hub] is one node's part: it takes in what is broadcast here and what peers send, tells the listeners here,
// each event once, and hands it to the [Lane] of each link. From there a link's writer takes it when there
// is nothing else to write. Nothing is kept but ids, so as to tell nobody twice, and what waits for a link,
// in bounded space: the oldest goes first. What a link has no time for is dropped and counted: ops go first.
//
// How much may be on its way to a peer is measured by the comparison with it: the answer to an offer says that
// all that was written before the offer has been read.
//
// The package does not send, and does not check signatures where there is a listener that does.
package transient
