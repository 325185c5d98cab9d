// Package gossiptest is a network that lives in memory, for tests of a whole cluster in one process.
// Nothing in it touches a real interface.
//
// A [Network] is made from a seed. [Network.Host] gives each name a machine of its own with an address
// like 10.0.0.1; a [Host] opens listeners, packet sockets and connections there, and is what package
// transport takes as its network:
//
//	net := gossiptest.NewNetwork(1)
//	a, err := transport.Listen(transport.Config{Network: net.Host("a"), Listen: ":7946", ...})
//	b, err := transport.Listen(transport.Config{Network: net.Host("b"), Listen: ":7946", ...})
//	conn, err := a.Dial(ctx, "b:7946", transport.Sync, author)
//
// Then the weather:
//
//	net.SetDelay(5*time.Millisecond, 40*time.Millisecond)   packets overtake each other, streams lag
//	net.SetLoss(0.1)                                        every tenth packet is lost
//	net.SetDuplication(0.1)                                 every tenth arrives twice
//	net.SetBandwidth("a", "b", 1<<20)                       streams from a to b carry 1 MiB a second
//	net.Partition([]string{"a", "b"}, []string{"c"})        a and b on one side, c on the other
//	net.Block("a", "b")                                     nothing gets from a to b; b still reaches a
//	net.Heal()                                              all links carry again
//	net.Cut("a", "b")                                       their connections are reset
//	net.Crash("a")                                          a's sockets are gone; its peers get resets
//
// What a link does to packets and to streams differs as it does in the world:
//
//	            lossy link           blocked link                        cut
//	packets     lost, doubled        dropped, those under way too        -
//	streams     -                    stall, both ways on as of Heal      reset
//	dialling    -                    waits for Heal, its context ends it -
//
// Streams are buffered, so that TLS works over them inside a testing/synctest bubble (over net.Pipe
// it hangs there). All waiting is on channels and timers of the bubble in which the network was made,
// so fake time runs as it should; outside a bubble the network works in real time. A network and
// everything on it belong to one bubble.
//
// The fate of the n-th packet on a link is fixed by the seed and the two names. Which packet is the
// n-th is up to the goroutines that send, so a seed makes a run likely to be repeated, not certain.
//
// The package knows nothing of quipu, and does not model bandwidth.
package gossiptest
