// Package wire is what two nodes say to each other on a stream of protocol "quipu/sync/1": the frames,
// the messages in them, and nothing else. It reads and writes bytes; when to say what is decided in
// package gossip.
//
// A stream carries frames in both directions:
//
//	frame = length (4) ‖ kind (1) ‖ body          length counts the body; numbers are big-endian
//
// Every number has a fixed width and every list its length in front, so a message has exactly one
// encoding. The length is held against the kind's limit before a byte of the body is read, and a
// body's memory grows only as its bytes arrive: a peer can announce much and make us keep little.
//
// The messages, in the order in which a link sees them:
//
//	Hello     who speaks which version of what log, and what it holds of the reader's own feed
//	Shut      authors of whom the sender takes no more
//	Offer     the root of the sender's digest: a question whether the two are equal
//	Vector    heads by author, the answer to an offer with another root; a part of the frontier at a time
//	Missing   wants: how far the sender's copies of some feeds go
//	Ops       a run of one feed, pushed by its author or sent because it was missing
//	Done      the end of the answer to one want
//	Bye       why the sender is about to close the stream
//
// The version stands first in the hello and its place never changes, so that nodes of different
// versions can say so. Everything else belongs to version [Version].
package wire
