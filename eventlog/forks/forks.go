package forks

import (
	"errors"
	"slices"

	"github.com/quipulog/quipu/crdt"
)

// fewEntries is how many entries of a branch are named at its beginning and at its end.
const fewEntries = 3

// maxForkProof bounds the headers that a fork's proof is kept with, on each side. A longer one was
// verified all the same.
const maxForkProof = 64

// Fork is where a feed parts.
type Fork struct {
	// Prev is the op that the branches name. It is zero where the branches begin the feed, and where they
	// parted below what is held: then Below is set, and each branch names another op, if any.
	Prev  crdt.Head
	Below bool
	// Branches are in order of (first, op id). There is one at least.
	Branches []Branch
	// Proved says that a proof of the fork was made and verified. Proof is that of the first two branches;
	// its sides are empty where there is none, or more than 64 headers on a side.
	Proved bool
	Proof  crdt.ForkProof
}

// Branch is a chain from a fork to its head, or to the next fork.
type Branch struct {
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

// Scan walks the disputed part of one feed in order of key. It is told of one op after the other, by [Scan.Take], from
// [Scan.From] on.
type Scan struct {
	feed   crdt.Feed
	ownEnd crdt.OpID
	from   crdt.Key
	forks  []Fork
	at     map[crdt.OpID]int  // op that several name → its fork
	tips   map[crdt.OpID]spot // last op of a branch → the branch
	below  int                // the fork of what parted below what is held; -1 before there is one
}

// spot is a branch: the index of its fork, and its own.
type spot struct{ fork, branch int }

// NewScan returns a scan of a feed that has forked. ownEnd is the op at which our own writing ended, zero if the feed is
// not ours.
func NewScan(feed crdt.Feed, ownEnd crdt.OpID) *Scan {
	s := &Scan{feed: feed, ownEnd: ownEnd, at: make(map[crdt.OpID]int), tips: make(map[crdt.OpID]spot), below: -1}
	s.findForks()
	return s
}

// From returns the key of the first op that the scan is to be told of, or one before that.
func (s *Scan) From() crdt.Key { return s.from }

// findForks finds the ops that several others name, and where the first of those begins.
func (s *Scan) findForks() {
	branches := s.feed.Branches
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

// Take sorts one op to its branch.
func (s *Scan) Take(op crdt.Signed) {
	spot := s.place(op)
	fork := &s.forks[spot.fork]
	if spot.branch == len(fork.Branches) {
		fork.Branches = append(fork.Branches, Branch{})
	}
	b := &fork.Branches[spot.branch]
	b.add(op)
	b.Own = b.Own || op.ID == s.ownEnd
	if _, b.Parts = s.at[op.ID]; !b.Parts {
		s.tips[op.ID] = spot
	}
}

// place returns where op belongs: to a new branch after a fork, to the branch that it goes on, or to
// a new one whose beginning is not held.
func (s *Scan) place(op crdt.Signed) spot {
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

// Forks returns what was found, each fork proved from what is held of the log.
func (s *Scan) Forks(held crdt.Held, log crdt.LogID) ([]Fork, error) {
	// Sorted only now: while the scan goes on, forks are told apart by index.
	slices.SortFunc(s.forks, func(a, b Fork) int { return a.Branches[0].First.Key().Compare(b.Branches[0].First.Key()) })
	for i := range s.forks {
		if err := s.prove(held, log, &s.forks[i]); err != nil {
			return nil, err
		}
	}
	return s.forks, nil
}

// prove makes and verifies the proof of a fork.
func (s *Scan) prove(held crdt.Held, log crdt.LogID, f *Fork) error {
	if f.Below || len(f.Branches) < 2 {
		return nil
	}
	second := crdt.Branch{Start: f.Branches[1].First.Key(), Parent: f.Prev.ID}
	proof, err := crdt.ProveFork(held, s.feed, second)
	if errors.Is(err, crdt.ErrNoForkProof) {
		return nil
	}
	if err == nil {
		err = proof.Verify(log)
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
func (b *Branch) add(op crdt.Signed) {
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
