// Package folder is a node's folder on disk: what lies in it, and who may read it.
//
//	D/quipu.yaml       the configuration, mode 0600, written by init with a comment on each field
//	D/quipu.key        the node's Ed25519 key, mode 0600: PKCS#8 PEM, or what init was given in a form of package keyform
//	D/quipu.restoring/ what a restore is making, until all of it is there, locked meanwhile
//	D/quipu.key.former-…  the key of an author who wrote here before; D/quipu.key.new one that is about to: see newkey.go
//	D/secret           the cluster secret, mode 0600, unless the configuration names another
//	D/secret.print     names the secret that the node used last, and gives nothing of it away
//	D/tokens.json      who may do what over the network, mode 0600; of each token's secret only the hash
//	D/tickets.key      what tickets are made with, mode 0600, once there is one
//	D/quipu.db         the log (package eventlog); one process at a time has it open
//	D/quipu.db.seen    what the log was seen to hold, mode 0600, by which an older copy in its place is noticed
//	D/peers.json       the members of earlier runs, mode 0600, kept by the daemon
//	D/quipu.pid        the process that has the log open, while it has it
//	D/quipu.sock       the daemon's socket, mode 0600, while it runs
//	D/quipu.sock.path  where the socket is instead when D is too deep for a socket's path
//
// [Folder] is a path with a name for each of these. [Folder.WriteKey] and [Folder.OpenKey] keep the key; a [KeyFile]
// is one before it is opened, with a [Passphrase] where it is sealed. [Config] is what quipu.yaml says; [ReadSecret]
// and [Folder.WriteSecret] keep a cluster secret; [Folder.Socket] and [Folder.Listen] find and open the socket;
// [Folder.ReadPeers] and [Folder.WritePeers] keep what a [Peer] was last; [Folder.Use] says which process has the
// log open.
//
// A walk: init makes the folder, writes the key, lets eventlog create the log and writes quipu.yaml.
// start reads the configuration and the key, lets eventlog open the log, which takes its lock, writes
// quipu.pid, makes the secret if there is none yet, and only then puts its socket in place: whoever holds the lock knows that a socket that
// lies there is nobody's.
//
//	init ── quipu.key ── quipu.db ── quipu.yaml
//	start ─ quipu.yaml ─ quipu.key ─ quipu.db (lock) ─ quipu.pid ─ quipu.sock
//
// What is lost or spoilt of a node is never taken for its beginning: a key, a log or a configuration that
// is empty, cut, gone or something else altogether is an error that names the file and the ways out. What
// can be made anew (quipu.db.seen, peers.json, quipu.pid, what says where the socket is) stops nobody.
//
// What a process leaves that is killed while it writes (.peers.json.new-1234 and the like, see package whole, and
// quipu.restoring once there is a node) is removed by the next one that has the log: [Folder.Use].
//
// The package knows nothing of logs, entries or the network; it opens no database. A key or a passphrase is
// never printed, and a file of its owner's that others can read is refused rather than mended, because nobody
// can tell who has read it already: [ErrMode].
package folder
