package gossip_test

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// simLie is what a node says of another's feed, and of members that nobody has met, instead of the truth.
type simLie struct {
	about  crdt.Author
	how    string
	ghosts []gossip.Remembered
	seed   uint64
}

// The ways to lie.
const (
	lieWithheld = "none of it"
	lieStale    = "no more of it than there is now"
	lieForged   = "more of it than there is"
	lieGhosts   = "members that do not exist"
	lieCopy     = "a copy that does not exist"
)

var lies = []string{lieWithheld, lieStale, lieForged, lieGhosts, lieCopy}

// newLie returns the lie that a seed stands for.
func newLie(about crdt.Author, how string, seed uint64, seen time.Time) *simLie {
	l := &simLie{about: about, how: how, seed: seed}
	switch how {
	case lieGhosts:
		for i := range 1 + seed%3 {
			l.ghosts = append(l.ghosts, gossip.Remembered{Author: crdt.AuthorOf(testKey(200 + int(i))), Name: "ghost", Seen: seen})
		}
	case lieCopy:
		l.ghosts = append(l.ghosts, gossip.Remembered{Author: about, Name: "copy", Seen: seen})
	}
	return l
}

// tellsOf reports whether there is a lie, and it is about a feed.
func (lie *simLie) tellsOf(a crdt.Author) bool { return lie != nil && lie.about == a }

// over is a log that tells the lie.
func (lie *simLie) over(l gossip.Log) gossip.Log {
	told := l.Feed(lie.about)
	switch lie.how {
	case lieWithheld:
		told = crdt.Feed{Author: lie.about}
	case lieForged:
		if told.IsZero() {
			return l
		}
		rng := rand.New(rand.NewPCG(lie.seed, 2))
		told = told.Clone()
		head := &told.Branches[0].Head
		head.Next += 1 + rng.Uint64N(20)
		for i := range head.ID {
			head.ID[i] = byte(rng.Uint32())
		}
	case lieStale:
	default:
		return l
	}
	return &lyingLog{Log: l, told: told, about: lie.about, shares: lie.how == lieForged}
}

// lyingLog shows another feed of one author than it holds.
type lyingLog struct {
	gossip.Log
	about  crdt.Author
	told   crdt.Feed
	shares bool // what it holds, for all that
}

func (l *lyingLog) Frontier() crdt.Frontier {
	f := l.Log.Frontier().Clone()
	if delete(f, l.about); !l.told.IsZero() {
		f[l.about] = l.told.Heads()
	}
	return f
}

func (l *lyingLog) Digest() crdt.Digest { return l.Log.Digest().With(l.about, l.told.Heads()) }
func (l *lyingLog) Root() crdt.Hash     { return l.Digest().Root() }

func (l *lyingLog) Feed(a crdt.Author) crdt.Feed {
	if a == l.about {
		return l.told
	}
	return l.Log.Feed(a)
}

func (l *lyingLog) Plan(ctx context.Context, want crdt.Want) ([]crdt.Segment, error) {
	if want.Author == l.about && !l.shares {
		return nil, nil
	}
	return l.Log.Plan(ctx, want)
}

func (l *lyingLog) PlanSpan(ctx context.Context, span crdt.Span) (crdt.Segment, bool, error) {
	if span.Author == l.about && !l.shares {
		return crdt.Segment{}, false, nil
	}
	return l.Log.PlanSpan(ctx, span)
}

// lies has a node say of another's feed what is not true, from its next start on.
func (s *simulation) lies(n, about *simNode, how string, seed uint64) error {
	if n.author() == about.author() {
		s.tell("   which cannot be")
		return nil
	}
	if err := n.stop(); err != nil {
		return err
	}
	seen := time.Now()
	if s.sc.after == 0 {
		seen = seen.Add(365 * 24 * time.Hour) // it is heard of whenever somebody asks
	}
	n.lie.Store(newLie(about.author(), how, seed, seen))
	return n.start()
}

// repent has all tell the truth again.
func (s *simulation) repent() error {
	for _, n := range s.all() {
		if n.lie.Swap(nil) == nil {
			continue
		}
		if err := n.stop(); err != nil {
			return err
		}
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}
