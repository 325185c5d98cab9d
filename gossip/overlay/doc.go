// Package overlay says which members of a cluster a node is linked to.
//
// In a small cluster, everyone is linked to everyone. In a large one, each node is linked to its two
// neighbours on a ring, which makes one piece of the whole, and to a few others at random, which makes
// the ways short and survives the loss of many:
//
//	   a ─── b
//	 ╱  ╲      ╲
//	h    ╲      c        the ring: members in the order of their keys
//	│     ╲   ╱ │        across: those that a node picked
//	g ─────╳─── d
//	 ╲   ╱  ╲  ╱
//	   f ─── e
//
// A link serves both ends. So a node has the two of the ring, the few that it picked, and about as many
// by whom it was picked: eight in the mean with the defaults, whatever the size of the cluster.
//
// [Choose] is a function of what one node knows now: the members and its links. It keeps what is there as long as it
// may, so that a member that joins or leaves changes the links of a few. Nodes agree on nothing: where their views of
// the members are the same, so is their ring, and while they differ, a node has a link more or less.
//
// It does not dial, does not know addresses, and does not remember who could not be reached.
package overlay
