// Package find turns what a node was told, or can hear, into addresses where other nodes may be. It
// proves nothing: whoever answers at an address is authenticated by package transport, and whether it
// keeps the same log is settled by the hello of package gossip.
//
// Where to look is written in the notation that Thanos and Cortex use:
//
//	10.0.0.7:7946, node-b.example:7946      one node: the name's addresses are tried until one answers
//	dns+quipu.prod.svc:7946                 a node at each A and AAAA record of the name
//	dnssrv+_quipu._tcp.quipu.prod.svc       a node at each A and AAAA record of each SRV record's target
//	dnssrvnoa+_quipu._tcp.quipu.prod.svc    a node at each SRV record's target, as with HOST:PORT
//
// dns+ before a name that begins with an underscore and has no port means dnssrv+. A Kubernetes headless
// service answers both dns+ and dnssrv+. [Parse] reads the notation, [Target.Resolve] asks a [Resolver].
//
// A [Seeds] is all the places where a node looks, with how that goes at each [Seed]. [Seeds.Run] has each of
// them tried, again and again, with growing pauses. Names are resolved as often, so that new records are tried
// and gone ones are not any more.
//
// On a local network nodes also find each other by multicast DNS (RFC 6762) with service discovery (RFC
// 6763): a [LAN] announces this node on each interface and asks who else is there.
//
//	PTR _quipu._tcp.local.                   ──▶ 0a1b2c3d4e5f6071-2._quipu._tcp.local.
//	SRV 0a1b2c3d4e5f6071-2._quipu._tcp.local. ─▶ port, 0a1b2c3d4e5f6071-2.local.
//	TXT  "v=1" "log=HASH" "author=AUTHOR"        A, AAAA ─▶ addresses
//
// HASH is 8 bytes of a hash of the log's id: it tells logs apart and does not name the log. The cluster's
// secret is in none of it. Anybody on the network can announce anything; so what is taken in is bounded,
// only addresses of the network that was asked are, and a lie costs one dial.
//
// The other way round, an [Own] says which address of this node others are told.
//
// The package does not dial itself, keeps nothing for the next run, and decides nothing about members.
package find
