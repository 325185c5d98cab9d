// Package integration tests quipu as its users meet it: whole clusters, real binaries, killed
// processes, and the shape of the house itself. It holds tests only.
//
// The tests build the binary once, run its daemons on loopback, or in network namespaces that they make,
// with folders of their own, and end with the two sentences that everything comes down to: the frontiers
// are equal, the logs verify. Two of them run what docs/GUIDE.md and docs/RECOVERY.md show, block by block.
package integration
