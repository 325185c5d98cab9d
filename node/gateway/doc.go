// Package gateway is the port on which a node is asked over HTTP from other machines, or by other users of its own.
//
// [Listen] opens the port that a [Config] says; [Gateway.Server] makes a server of it, and of the handler that answers
// whom tokens allow to ask: package server. What stands here is all that does not depend on what is asked:
//
//	a connection ─ TLS, with a certificate out of files that may change
//	a request ──── its number ─ is the host ours? ─ may the page ask that it comes from? ─ server: token, route, answer
//	                                                                             [Gateway.Enter]: may the token call once more?
//
// A request names the host that it was sent to. One that is not the node's is refused ([api.Misdirected]): a page of a
// stranger, whose name he has let lead to this machine, would be taken for the node's own by a browser. So is one of a
// page that is not the node's, unless [Config.Origins] has it ([api.CrossOrigin]). No cookie is read or set, so that no
// page can use what another one knows.
//
// Nobody holds up others. A client that sends nothing, or does not read, is let go; a token makes so many calls a second
// and has so many under way; of too many connections those are closed first in which no token was shown, and where each
// has a call, who comes new is told to come again. There are always fewer than files that the process may open, so that
// the log and the links to other nodes have theirs. A stream that pauses is none of these: it may do so for as long as its
// client is there.
//
// A host that is not loopback has to have TLS, or is told to do without: tokens would cross the network in the clear.
package gateway
