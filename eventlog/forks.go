package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// fewEntries is how many entries of a branch are named at its beginning and at its end.
const fewEntries = 3

// maxForkProof bounds the headers that a fork's proof is kept with, on each side. A longer one was
// verified all the same.
const maxForkProof = 64

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

// Fork is where a feed parts.
type Fork struct {
	// Prev is the op that the branches name. It is zero where the branches begin the feed, and where they
	// parted below what is held: then Below is set, and each branch names another op, if any.
	Prev  crdt.Head
	Below bool
	// Branches are in order of (first, op id). There is one at least.
	Branches []ForkBranch
	// Proved says that a proof of the fork was made and verified. Proof is that of the first two branches;
	// its sides are empty where there is none, or more than 64 headers on a side.
	Proved bool
	Proof  crdt.ForkProof
}

// ForkBranch is a chain from a fork to its head, or to the next fork.
type ForkBranch struct {
	// First and Last are the headers of its first and last op.
	First, Last crdt.Signed
	// Parts says that the author forked again after Last.
	Parts bool
	// Ops and Entries are how many the branch holds.
	Ops, Entries uint64
	// Own says that our own writing ended on the branch.
	Own bool
	// Begin and End are the places of its first and last entries, at most three of each; no place is in both.
	Begin, End []crdt.Place
}

// Forked returns the authors who contradict themselves here, in order. A feed whose pieces a prune has
// parted is no fork.
func (l *Log) Forked() []crdt.Author {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	var forked []crdt.Author
	for a, f := range l.store.state.feeds {
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

// forkScan walks the disputed part of one feed in order of key and sorts each op to its branch. It
// keeps the ends of the branches only.
type forkScan struct {
	store  *store
	author crdt.Author
	view   feedView
	bound  uint64
	from   crdt.Key
	forks  []Fork
	at     map[crdt.OpID]int  // op that several name → its fork
	tips   map[crdt.OpID]spot // last op of a branch → the branch
	below  int                // the fork of what parted below what is held; -1 before there is one
	result ForkedFeed
}

// spot is a branch: the index of its fork, and its own.
type spot struct{ fork, branch int }

func (s *forkScan) run(ctx context.Context) (ForkedFeed, error) {
	if err := s.store.view(s.begin); err != nil {
		return ForkedFeed{}, err
	}
	if err := s.store.views(ctx, s.chunk); err != nil {
		return ForkedFeed{}, err
	}
	// Sorted only now: while the scan goes on, forks are told apart by index.
	slices.SortFunc(s.forks, func(a, b Fork) int { return a.Branches[0].First.Key().Compare(b.Branches[0].First.Key()) })
	for i := range s.forks {
		if err := s.prove(ctx, &s.forks[i]); err != nil {
			return ForkedFeed{}, err
		}
	}
	s.result.Forks = s.forks
	return s.result, nil
}

// begin reads the feed and finds out where it parts.
func (s *forkScan) begin(tx *readTx) error {
	feed, err := tx.Feed(s.author)
	if err != nil {
		return err
	}
	s.bound, s.below = tx.next, -1
	if s.view, err = newFeedView(tx, feed, s.bound); err != nil {
		return err
	}
	if _, forked := s.view.then.Disputed(); !forked {
		return ErrNotFound
	}
	s.result = ForkedFeed{
		Author: s.author, Heads: len(s.view.then.Heads()), Own: s.author == s.store.author,
		Shut: s.store.shutReasons()[s.author],
	}
	if s.result.Own {
		if s.result.OwnEnd, err = tx.ownEnd(); err != nil {
			return err
		}
	}
	s.findForks()
	return nil
}

// findForks finds the ops that several others name, and where the first of those begins.
func (s *forkScan) findForks() {
	s.at, s.tips = make(map[crdt.OpID]int), make(map[crdt.OpID]spot)
	branches := s.view.then.Branches
	roots := 0 // branches that begin the feed
	for _, b := range branches {
		if b.Start.First == 0 {
			roots++
		}
	}
	s.from.First = crdt.MaxSeq
	for _, b := range branches {
		if !b.Rooted {
			// It may dispute anything that is held.
			s.from.First = 0
			continue
		}
		if b.Start.First == 0 && roots < 2 {
			continue // nothing stands beside it there
		}
		s.from.First = min(s.from.First, b.Start.First)
		if _, known := s.at[b.Parent]; !known {
			s.at[b.Parent] = len(s.forks)
			s.forks = append(s.forks, Fork{Prev: crdt.Head{Next: b.Start.First, ID: b.Parent}})
		}
	}
}

// chunk sorts the next ops to their branches, in one transaction.
func (s *forkScan) chunk(tx *readTx) (more bool, err error) {
	c := tx.opCursor(s.author)
	read := 0
	for key := range c.from(s.from) {
		if read++; read > heldChunk {
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
		s.take(op)
	}
	return false, c.err
}

// take sorts one op to its branch.
func (s *forkScan) take(op crdt.Signed) {
	if s.view.disputes(op.Header) {
		if s.result.Entries == 0 {
			s.result.Since = op.First
		}
		s.result.Entries += op.Count
	}
	spot := s.place(op)
	fork := &s.forks[spot.fork]
	if spot.branch == len(fork.Branches) {
		fork.Branches = append(fork.Branches, ForkBranch{})
	}
	b := &fork.Branches[spot.branch]
	b.add(op)
	b.Own = b.Own || op.ID == s.result.OwnEnd.ID
	if _, b.Parts = s.at[op.ID]; !b.Parts {
		s.tips[op.ID] = spot
	}
}

// place returns where op belongs: to a new branch after a fork, to the branch that it goes on, or to
// a new one whose beginning is not held.
func (s *forkScan) place(op crdt.Signed) spot {
	fork, parts := s.at[op.Prev]
	if !parts {
		if tip, goesOn := s.tips[op.Prev]; goesOn {
			delete(s.tips, op.Prev)
			return tip
		}
		if s.below < 0 {
			s.below = len(s.forks)
			s.forks = append(s.forks, Fork{Below: true})
		}
		fork = s.below
	}
	return spot{fork: fork, branch: len(s.forks[fork].Branches)}
}

// prove makes and verifies the proof of a fork.
func (s *forkScan) prove(ctx context.Context, f *Fork) error {
	if f.Below || len(f.Branches) < 2 {
		return nil
	}
	second := crdt.Branch{Start: f.Branches[1].First.Key(), Parent: f.Prev.ID}
	proof, err := crdt.ProveFork(s.store.held(ctx), s.view.then, second)
	if errors.Is(err, crdt.ErrNoForkProof) {
		return nil
	}
	if err == nil {
		err = proof.Verify(s.store.id)
	}
	if err != nil {
		return err
	}
	f.Proved = true
	if len(proof.A) <= maxForkProof && len(proof.B) <= maxForkProof {
		f.Proof = proof
	}
	return nil
}

// add takes in the next op of the branch.
func (b *ForkBranch) add(op crdt.Signed) {
	if b.Ops == 0 {
		b.First = op
	}
	b.Last = op
	b.Ops++
	b.Entries += op.Count
	place := crdt.Place{Author: op.Author, Seq: op.First, Branch: op.ID.Branch()}
	for ; place.Seq < op.Next() && len(b.Begin) < fewEntries; place.Seq++ {
		b.Begin = append(b.Begin, place)
	}
	if op.Count > fewEntries {
		place.Seq = max(place.Seq, op.Next()-fewEntries)
	}
	for ; place.Seq < op.Next(); place.Seq++ {
		b.End = append(b.End, place)
	}
	if extra := len(b.End) - fewEntries; extra > 0 {
		b.End = append(b.End[:0], b.End[extra:]...)
	}
}
