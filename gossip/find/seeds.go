package find

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

// Seed is a place where a node looks for others: an address, or a name that leads to addresses.
type Seed struct {
	Addr   string // HOST:PORT, or a name in the notation of the package comment, as it was given
	Source Source // where it comes from
	From   string // the name that led to it; "" for others
	// Joined says that a member answered there last time, or is known to be there; for a name, that this
	// holds for one of the addresses it leads to.
	Joined bool
	Peer   crdt.Author // who answered there last, or is said to be there; zero if nobody is known
	Tries  int
	Err    error // of the last try; nil when it succeeded

	pause  backoff.Pause
	target Target
	busy   bool // a try is under way
}

// Seeds is the places where a node looks for others. Its methods may be called from any goroutine.
type Seeds struct {
	wake chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	seeds []*Seed        // no address twice, sorted by the rank of their sources
	names int            // how many of them lead to others
	tries map[Source]int // under way
}

const (
	// maxSeeds bounds the places that are given, and those that are remembered; [MaxNames] those of them that
	// are names.
	maxSeeds = 256
	// maxFoundSeeds bounds the addresses of each source that are found beside those.
	maxFoundSeeds = 1024
	// maxTries bounds the tries that are under way at a time, for each source: the addresses of one
	// that all lead nowhere do not hold up the others.
	maxTries = 16
)

// NewSeeds returns no seeds.
func NewSeeds() *Seeds {
	return &Seeds{wake: make(chan struct{}, 1), tries: make(map[Source]int)}
}

// Add adds what is new of the texts, in the notation of the package comment: all or none. The error names the
// text.
func (s *Seeds) Add(texts ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	given := s.count(Configured)
	names := s.names
	var fresh []*Seed
	for _, text := range texts {
		target, err := Parse(text)
		if err != nil {
			return err
		}
		known := func(seed *Seed) bool { return seed.Addr == text && seed.Source == Configured }
		if slices.ContainsFunc(s.seeds, known) || slices.ContainsFunc(fresh, known) {
			continue
		}
		if target.Leads() {
			names++
		}
		switch {
		case given+len(fresh) >= maxSeeds:
			return fmt.Errorf("%s: more than %d addresses", text, maxSeeds)
		case names > MaxNames:
			return fmt.Errorf("%s: more than %d names that lead to addresses", text, MaxNames)
		}
		fresh = append(fresh, &Seed{Addr: text, Source: Configured, target: target})
	}
	for _, seed := range fresh {
		s.put(seed)
	}
	s.names = names
	s.nudge()
	return nil
}

// put takes a seed in, in the place of the same address of a source that is trusted less. What is
// known of the address stays. The caller holds mu.
func (s *Seeds) put(seed *Seed) {
	if at := slices.IndexFunc(s.seeds, func(old *Seed) bool { return old.Addr == seed.Addr }); at >= 0 {
		old := s.seeds[at]
		if old.Source.Rank() <= seed.Source.Rank() {
			return
		}
		if old.busy {
			s.tries[old.Source]--
			s.tries[seed.Source]++
		}
		old.Source, old.From = seed.Source, seed.From
		seed = old
		s.seeds = slices.Delete(s.seeds, at, at+1)
	}
	at := slices.IndexFunc(s.seeds, func(other *Seed) bool { return other.Source.Rank() > seed.Source.Rank() })
	if at < 0 {
		at = len(s.seeds)
	}
	s.seeds = slices.Insert(s.seeds, at, seed)
}

// found replaces what a source has led to, by way of the name from: new addresses are tried, those
// that have gone are not any more.
func (s *Seeds) found(source Source, from string, now []Found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seeds = slices.DeleteFunc(s.seeds, func(seed *Seed) bool {
		gone := seed.Source == source && seed.From == from &&
			!slices.ContainsFunc(now, func(f Found) bool { return f.Addr == seed.Addr })
		if gone && seed.busy {
			s.tries[source]--
		}
		return gone
	})
	room := maxFoundSeeds - s.count(source)
	for _, f := range now {
		s.rename(f, source)
		target, err := Parse(f.Addr)
		if err != nil || room <= 0 {
			continue
		}
		before := len(s.seeds)
		s.put(&Seed{Addr: f.Addr, Source: source, From: from, Peer: f.Author, target: target})
		room -= len(s.seeds) - before
	}
	s.nudge()
}

// rename takes note, for a caller that holds mu, of who is said to be at an address of a source now.
func (s *Seeds) rename(f Found, source Source) {
	for _, seed := range s.seeds {
		if seed.Addr == f.Addr && seed.Source == source && !seed.Joined && !f.Author.IsZero() {
			seed.Peer = f.Author
		}
	}
}

// count returns, to a caller that holds mu, how many seeds a source has.
func (s *Seeds) count(source Source) int {
	n := 0
	for _, seed := range s.seeds {
		if seed.Source == source {
			n++
		}
	}
	return n
}

// nudge says that there may be something to do.
func (s *Seeds) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Look says that members may have gone: the seeds at which some were are looked at again by then.
func (s *Seeds) Look(by time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seed := range s.seeds {
		if seed.Joined && by.Before(seed.pause.End()) {
			seed.pause = backoff.Until(by)
		}
	}
	s.nudge()
}

// due returns copies of the seeds that are to be tried now, and takes note that they are.
func (s *Seeds) due(now time.Time) []Seed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []Seed
	waited := slices.SortedStableFunc(slices.Values(s.seeds), func(a, b *Seed) int { return a.pause.End().Compare(b.pause.End()) })
	for _, seed := range waited {
		if seed.busy || !seed.pause.Over(now) || s.tries[seed.Source] >= maxTries {
			continue
		}
		seed.busy = true
		s.tries[seed.Source]++
		due = append(due, *seed)
	}
	return due
}

// next returns when one of the seeds that are not being tried is to be tried next; late if that is earlier.
func (s *Seeds) next(late time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seed := range s.seeds {
		if end := seed.pause.End(); !seed.busy && end.Before(late) {
			late = end
		}
	}
	return late
}

// tried changes a seed after a try, if it is still there.
func (s *Seeds) tried(addr string, change func(*Seed)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seed := range s.seeds {
		if seed.Addr == addr && seed.busy {
			seed.busy = false
			s.tries[seed.Source]--
			change(seed)
		}
	}
}

// All returns how it goes with each seed: those that were given, then those that were found.
func (s *Seeds) All() []Seed {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Seed, len(s.seeds))
	for i, seed := range s.seeds {
		all[i] = *seed
		if seed.target.Leads() {
			all[i].Joined = s.joinedBy(seed.Addr)
		}
	}
	return all
}

// joinedBy reports, to a caller that holds mu, whether a member is at one of the addresses that a name
// leads to.
func (s *Seeds) joinedBy(name string) bool {
	return slices.ContainsFunc(s.seeds, func(seed *Seed) bool { return seed.From == name && seed.Joined })
}
