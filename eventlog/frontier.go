package eventlog

import "github.com/quipulog/quipu/crdt"

// Frontier returns exactly what is held and durable. The heads are shared and never written to.
func (l *Log) Frontier() crdt.Frontier {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.frontier()
}

// Digest returns the digest of exactly what is held and durable.
func (l *Log) Digest() crdt.Digest {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.digest
}

// Root returns the root of the frontier's digest: equal on two nodes exactly when their frontiers are.
func (l *Log) Root() crdt.Hash { return l.Digest().Root() }

// Feed returns what is held of a's feed. The caller does not write to it.
func (l *Log) Feed(a crdt.Author) crdt.Feed {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.feed(a)
}
