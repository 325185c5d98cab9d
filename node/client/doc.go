// Package client calls a node: over its socket, or over HTTP from another machine. It holds nothing of the log and opens
// no file, so that a program which only writes and reads entries carries neither a database nor a network of members.
//
// [Dial] returns a [Client] of the node at an address, which has patience with it: see there. [New] has one of connections
// that its caller makes. A Client makes the calls, one method for each route of package api, which has the types that they take and return.
// A [Line] is an entry as it came over the wire, byte for byte, parsed when asked.
package client
