// Package server answers a node's HTTP interface, which package api describes.
//
// [New] makes an [http.Handler] of a log and, where a daemon runs, of what it knows of the network. The
// daemon serves it on its socket; a command that finds no daemon opens the log and serves it to itself,
// through [Local]. Both therefore say the same, in the same words.
//
//	quipu append ─ client.Client ─ quipu.sock ─ http.Server ─┐
//	                                                      ├─ Handler ─ eventlog.Log
//	quipu append ─ client.Client ─ in memory ── http.Server ─┘
//
// One file a route. Each reads its request, calls the log and writes lines; what may go wrong is turned
// into a status and a code in one table, in problem.go. Appending takes what is waiting: a goroutine
// reads and checks lines while the batch before is made durable, so that one client reaches what the
// disk can do, and a client that sends one line at a time has its place at once.
//
// The package keeps no state but the log's. A request's context ends when its client leaves or the
// daemon stops; every handler then returns.
package server
