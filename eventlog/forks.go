package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/forks"
	"github.com/quipulog/quipu/eventlog/internal/held"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ForkedFeed says what is held of an author who contradicts itself: who signed two ops after one.
//
//	a ─ b ─ c ─┬─ d ─ e        a fork after c with two branches; what stands
//	           └─ x ─┬─ y      from d and x on is disputed. The branch x parts
//	                 └─ z      again: a second fork, after x
type ForkedFeed struct {
	Author crdt.Author
	// Heads is how many ends the feed has: the branches that its frontier shows.
	Heads int
	// Since is the lowest seq of a disputed entry, and Entries how many entries are disputed, on all
	// branches together.
	Since, Entries uint64
	// Forks are in order of the beginnings of their first branches: the same on every node that holds the same.
	Forks []Fork
	// Shut says why no more of the author is taken here; empty where more is.
	Shut ShutReason
	// Own says that the feed is our own. OwnEnd is where our own writing ended; zero where nothing was written here.
	Own    bool
	OwnEnd crdt.Head
}

// Where a feed parts is said in the words of package forks.
type (
	Fork       = forks.Fork
	ForkBranch = forks.Branch
)

// Forked returns the authors who contradict themselves here, in order. A feed whose pieces a prune has
// parted is no fork.
func (l *Log) Forked() []crdt.Author {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	var forked []crdt.Author
	for a, f := range l.store.state.Feeds {
		if _, disputed := f.Feed.Disputed(); disputed {
			forked = append(forked, a)
		}
	}
	slices.SortFunc(forked, crdt.Author.Compare)
	return forked
}

// ForkedFeeds yields what is held of each author who has forked, in order of author. It reads the headers
// of all disputed ops, and takes memory for the branches of one feed.
func (l *Log) ForkedFeeds(ctx context.Context) iter.Seq2[ForkedFeed, error] {
	return func(yield func(ForkedFeed, error) bool) {
		for _, a := range l.Forked() {
			f, err := l.ForkedFeed(ctx, a)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// ForkedFeed returns what is held of a, who has forked. It returns [ErrNotFound] when nothing held of a is
// disputed: a has one branch or none, or pieces that do not contradict each other.
func (l *Log) ForkedFeed(ctx context.Context, a crdt.Author) (ForkedFeed, error) {
	s := forkScan{store: l.store, author: a}
	f, err := s.run(ctx)
	if err != nil {
		return ForkedFeed{}, fmt.Errorf("read forks of %s: %w", a.Short(), l.store.locate(err))
	}
	return f, nil
}

// forkScan reads the disputed part of one feed, in order of key.
type forkScan struct {
	store  *store
	author crdt.Author
	view   feedView
	bound  uint64
	from   crdt.Key
	forks  *forks.Scan
	result ForkedFeed
}

func (s *forkScan) run(ctx context.Context) (ForkedFeed, error) {
	err := s.store.view(s.begin)
	if err == nil {
		err = s.store.views(ctx, s.chunk)
	}
	if err == nil {
		s.result.Forks, err = s.forks.Forks(s.store.held(ctx), s.store.id)
	}
	if err != nil {
		return ForkedFeed{}, err
	}
	return s.result, nil
}

// begin reads the feed and finds out where it parts.
func (s *forkScan) begin(tx *readTx) error {
	feed, err := tx.Feed(s.author)
	if err != nil {
		return err
	}
	s.bound = tx.next
	if s.view, err = newFeedView(tx, feed, s.bound); err != nil {
		return err
	}
	if _, forked := s.view.then.Disputed(); !forked {
		return ErrNotFound
	}
	s.result = ForkedFeed{
		Author: s.author, Heads: len(s.view.then.Heads()), Own: s.author == s.store.author,
		Shut: s.store.whyShut(s.author),
	}
	if s.result.Own {
		if s.result.OwnEnd, err = tx.ownEnd(); err != nil {
			return err
		}
	}
	s.forks = forks.NewScan(s.view.then, s.result.OwnEnd.ID)
	s.from = s.forks.From()
	return nil
}

// chunk sorts the next ops to their branches, in one transaction.
func (s *forkScan) chunk(tx *readTx) (more bool, err error) {
	c := tx.opCursor(s.author)
	read := 0
	for key := range c.from(s.from) {
		if read++; read > held.Chunk {
			s.from = key
			return true, nil
		}
		if came, err := c.came(s.bound); err != nil {
			return false, err
		} else if !came {
			continue
		}
		op, err := signedAt(s.author, key, c.value)
		if err != nil {
			return false, err
		}
		if s.view.disputes(op.Header) {
			if s.result.Entries == 0 {
				s.result.Since = op.First
			}
			s.result.Entries += op.Count
		}
		s.forks.Take(op)
		s.from = record.KeyAfter(key)
	}
	return false, c.err
}
