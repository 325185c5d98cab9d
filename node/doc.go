// Package node is one running member of a log: it puts the log, the gossip and the HTTP interface
// together, and takes them apart in the reverse order.
//
//	            ┌──────────── Node ────────────┐
//	quipu ──────┤ server ─── eventlog ─ gossip ├────── peers
//	 quipu.sock └──────────────────────────────┘  TCP and UDP, one port
//
// The few types: [Config] says who a node is and where; [New] opens a [Node] and [Node.Run] serves until
// its context ends. [Birth] says what [Init] makes: a key, a log and a configuration in a new folder.
// [Connect] gives a client of the node in a folder: of the daemon that runs there, or else of the log
// itself, opened for the occasion.
//
// A walk: [Init] makes the folder. [New] reads the key, opens the log, which locks it against every other
// process, takes the port and opens the socket; nothing runs yet, but from then on connections queue.
// [Node.Run] serves them. When its context ends it first lets the calls under way end, then leaves the
// cluster, closes the log and gives the lock back; an entry whose place was returned is on disk
// whatever happens on the way.
//
// A node is a value: one process can hold a whole cluster, each node with its folder, which is what the
// tests do. The package reads no flags and no environment.
//
// Its parts stand beside it: package folder (what lies on disk), package api (the HTTP interface and a
// client of it), package server (the handlers), package condition (what keeps it from having or writing what
// it could), and packages age and size (spans of time and sizes as people write them).
package node
