package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// Forked returns the authors whose feeds have more than one branch here, in order.
func (l *Log) Forked() []crdt.Author {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var forked []crdt.Author
	for a, f := range l.state.feeds {
		if len(f.feed.Branches) > 1 {
			forked = append(forked, a)
		}
	}
	slices.SortFunc(forked, crdt.Author.Compare)
	return forked
}

// ForkProofs returns the proofs that a has forked, one for each branch that parted from another. A
// branch that parted below what is held here has none.
func (l *Log) ForkProofs(ctx context.Context, a crdt.Author) ([]crdt.ForkProof, error) {
	if err := l.notInside(); err != nil {
		return nil, err
	}
	feed := l.Feed(a)
	var proofs []crdt.ForkProof
	for _, b := range feed.Branches[min(1, len(feed.Branches)):] {
		proof, err := crdt.ProveFork(l.held(ctx), feed, b)
		if errors.Is(err, crdt.ErrNoForkProof) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("prove forks of %s: %w", a.Short(), err)
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}
