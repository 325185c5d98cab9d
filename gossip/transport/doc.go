// Package transport is one port of one node: streams and packets to peers that are who they say they
// are. It knows nothing of membership and nothing of the log.
//
// A [Transport] holds a TCP listener and a UDP socket on the same port. A [Conn] is a stream to a
// peer whose key and secret were checked; a [Proto] says what is spoken on it; a [Network] is what it
// is all made of, so that tests can bring one that lives in memory (package gossiptest). [Counts] is
// what has been seen, by [Reason] where it went wrong.
//
//	t, err := transport.Listen(transport.Config{Key: key, Secret: secret, Listen: ":7946"})
//	go t.Run(ctx)                                                      // accepts until ctx ends
//	conn, err := t.Dial(ctx, "192.0.2.7:7946", transport.Sync, author) // that author, or an error
//	conn, err := t.Accept(ctx, transport.Sync)                         // conn.Peer() says who it is
//
// How two strangers get to know each other:
//
//	dialling                                   accepting
//	   |---- TLS 1.3 hello, ALPN, X25519 --------->|   at most 512 half open, 128 a host, 5 s,
//	   |<--- hello, certificate (Ed25519 key) -----|   4 KiB each way
//	   | is it a key? the one I dialled?           |
//	   |---- certificate (Ed25519 key) ----------->| is it a key? a protocol of ours?
//	   |                                           |
//	   |<=== HMAC of (role, author, this TLS) ====>|   under a key from the cluster secret
//	   | does it know the secret?                  | does it know the secret?
//	   |                                           |
//	   Conn, Dial returns                          Conn, Accept returns
//
// A certificate is made from the node's own key and proves that key only; dates, names and signatures
// in it are not looked at. The secret proves membership. Its proof is bound to the TLS connection by
// exported keying material, so that it is worth nothing to whoever receives it, and nothing else is
// read before it. Without a secret the proof has the same shape and proves nothing; a transport
// without one listens on loopback only.
//
// Packets are as the world sends them, nothing about them is checked. The membership seals its own, and
// what it says on streams, with [Transport.GossipKey].
//
// Handshakes run in goroutines of [Transport.Run], never in the accept loop. When there are too many,
// idle ones make room for newcomers, first those of the host that has most, so a flood of connections
// that say nothing keeps nobody out. A peer that misbehaves is refused, counted and logged, with a
// bound on the log; it ends nothing else.
package transport
