package eventlog

import "github.com/quipulog/quipu/crdt"

// Frontier returns exactly what is held and durable. The heads are shared and never written to.
func (l *Log) Frontier() crdt.Frontier {
	l.mu.RLock()
	defer l.mu.RUnlock()
	f := make(crdt.Frontier, len(l.state.feeds))
	for a, s := range l.state.feeds {
		if len(s.heads) > 0 {
			f[a] = s.heads
		}
	}
	return f
}

// Root returns the root of the frontier's digest: equal on two nodes exactly when their frontiers are.
func (l *Log) Root() crdt.Hash {
	l.mu.Lock() // the digest hashes what has changed since it was last asked
	defer l.mu.Unlock()
	return l.state.digest.Root()
}

// Feed returns what is held of a's feed. The caller does not write to it.
func (l *Log) Feed(a crdt.Author) crdt.Feed {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.feed(a)
}
