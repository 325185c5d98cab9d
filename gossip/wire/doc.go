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
//	Missing   wants: how far the sender's copies of some feeds go
//	Spans     wants for stretches of feeds, so that several peers can each send a part
//	Ops       a run of one feed, pushed, or sent because it was asked for
//	Done      the end of the answer to one want
//	Transient an event that nobody stores, between those whose hellos have both named [FeatureTransient]
//	Bye       why the sender is about to close the stream
//
// What one side, the asker, does to learn what the other has that differs; both sides do it, each with
// rounds of its own:
//
//	asker                                answerer
//	  │  Offer: the root of my digest       │
//	  ├────────────────────────────────────▶│
//	  │  Same, or the top node, or heads    │
//	  │◀────────────────────────────────────┤
//	  │  Probe: the children that differ    │   repeated until there is
//	  ├────────────────────────────────────▶│   nothing left to probe
//	  │  Nodes and Vector, the last marked  │
//	  │◀────────────────────────────────────┤
//
// And what keeps the tree along which runs are pushed (Leitão, Pereira, Rodrigues: Epidemic Broadcast
// Trees, 2007):
//
//	IHave     runs that the sender has and does not push on this link
//	Graft     push to me, and send what I lack
//	Detach    do not push to me (the paper's Prune)
//
// A frame of kind Packed holds another frame's body, compressed with zstd (RFC 8878):
//
//	packed = inner kind (1) ‖ inner length (4) ‖ one zstd frame that states the same length
//
// It is shorter than what is in it, holds no packed frame, and is sent only when both hellos have
// named [FeatureZstd]. A [Packer] decides which frames are worth it.
//
// The version stands first in the hello and its place never changes, so that nodes of different
// versions can say so. Everything else belongs to version [Version].
package wire
