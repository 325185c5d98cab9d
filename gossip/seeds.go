package gossip

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// Seed is a place where this node looks for others: an address, or a name that leads to addresses.
type Seed struct {
	Addr   string      // HOST:PORT, or a name in the notation of package find, as it was given
	Source find.Source // where it comes from
	From   string      // the name that led to it; "" for others
	// Joined says that a member answered there last time, or is known to be there; for a name, that this
	// holds for one of the addresses it leads to.
	Joined bool
	Peer   crdt.Author // who answered there last, or is said to be there; zero if nobody is known
	Tries  int
	Err    error // of the last try; nil when it succeeded
	backoff

	target find.Target
	busy   bool // a try is under way
}

// joining is the seeds.
type joining struct {
	wake chan struct{} // of one place

	mu sync.Mutex
	// The fields below are guarded by mu.

	seeds []*Seed             // no address twice, sorted by the rank of their sources
	names int                 // how many of them lead to others
	tries map[find.Source]int // under way
}

const (
	// maxSeeds bounds the places that are given, find.MaxNames those of them that are names.
	maxSeeds = 256
	// maxFoundSeeds bounds the addresses of each source that are found beside those.
	maxFoundSeeds = 1024
	// maxTries bounds the tries that are under way at a time, for each source: the addresses of one
	// that all lead nowhere do not hold up the others.
	maxTries = 16
)

// newJoining returns the seeds that a configuration names, which has been validated.
func newJoining(addrs []string) *joining {
	j := &joining{wake: make(chan struct{}, 1), tries: make(map[find.Source]int)}
	j.add(addrs)
	return j
}

// add adds what is new of the places that were given, all or none.
func (j *joining) add(texts []string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	given := j.count(find.Configured)
	names := j.names
	var fresh []*Seed
	for _, text := range texts {
		target, err := find.Parse(text)
		if err != nil {
			return err
		}
		known := func(s *Seed) bool { return s.Addr == text && s.Source == find.Configured }
		if slices.ContainsFunc(j.seeds, known) || slices.ContainsFunc(fresh, known) {
			continue
		}
		if target.Leads() {
			names++
		}
		switch {
		case given+len(fresh) >= maxSeeds:
			return fmt.Errorf("%s: more than %d addresses", text, maxSeeds)
		case names > find.MaxNames:
			return fmt.Errorf("%s: more than %d names that lead to addresses", text, find.MaxNames)
		}
		fresh = append(fresh, &Seed{Addr: text, Source: find.Configured, target: target})
	}
	for _, s := range fresh {
		j.put(s)
	}
	j.names = names
	j.nudge()
	return nil
}

// put takes a seed in, in the place of the same address of a source that is trusted less. What is
// known of the address stays. The caller holds mu.
func (j *joining) put(s *Seed) {
	if at := slices.IndexFunc(j.seeds, func(old *Seed) bool { return old.Addr == s.Addr }); at >= 0 {
		old := j.seeds[at]
		if old.Source.Rank() <= s.Source.Rank() {
			return
		}
		if old.busy {
			j.tries[old.Source]--
			j.tries[s.Source]++
		}
		old.Source, old.From = s.Source, s.From
		s = old
		j.seeds = slices.Delete(j.seeds, at, at+1)
	}
	at := slices.IndexFunc(j.seeds, func(other *Seed) bool { return other.Source.Rank() > s.Source.Rank() })
	if at < 0 {
		at = len(j.seeds)
	}
	j.seeds = slices.Insert(j.seeds, at, s)
}

// found replaces what a source has led to, by way of the name from: new addresses are tried, those
// that have gone are not any more.
func (j *joining) found(source find.Source, from string, now []find.Found) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seeds = slices.DeleteFunc(j.seeds, func(s *Seed) bool {
		gone := s.Source == source && s.From == from &&
			!slices.ContainsFunc(now, func(f find.Found) bool { return f.Addr == s.Addr })
		if gone && s.busy {
			j.tries[source]--
		}
		return gone
	})
	room := maxFoundSeeds - j.count(source)
	for _, f := range now {
		j.rename(f, source)
		target, err := find.Parse(f.Addr)
		if err != nil || room <= 0 {
			continue
		}
		before := len(j.seeds)
		j.put(&Seed{Addr: f.Addr, Source: source, From: from, Peer: f.Author, target: target})
		room -= len(j.seeds) - before
	}
	j.nudge()
}

// rename takes note, for a caller that holds mu, of who is said to be at an address of a source now.
func (j *joining) rename(f find.Found, source find.Source) {
	for _, s := range j.seeds {
		if s.Addr == f.Addr && s.Source == source && !s.Joined && !f.Author.IsZero() {
			s.Peer = f.Author
		}
	}
}

// count returns, to a caller that holds mu, how many seeds a source has.
func (j *joining) count(source find.Source) int {
	n := 0
	for _, s := range j.seeds {
		if s.Source == source {
			n++
		}
	}
	return n
}

// nudge says that there may be something to do.
func (j *joining) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// due returns copies of the seeds that are to be tried now, and takes note that they are.
func (j *joining) due(now time.Time) []Seed {
	j.mu.Lock()
	defer j.mu.Unlock()
	var due []Seed
	waited := slices.SortedStableFunc(slices.Values(j.seeds), func(a, b *Seed) int { return a.until.Compare(b.until) })
	for _, s := range waited {
		if s.busy || !s.over(now) || j.tries[s.Source] >= maxTries {
			continue
		}
		s.busy = true
		j.tries[s.Source]++
		due = append(due, *s)
	}
	return due
}

// tried changes a seed after a try, if it is still there.
func (j *joining) tried(addr string, change func(*Seed)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.seeds {
		if s.Addr == addr && s.busy {
			s.busy = false
			j.tries[s.Source]--
			change(s)
		}
	}
}

// all returns copies of the seeds.
func (j *joining) all() []Seed {
	j.mu.Lock()
	defer j.mu.Unlock()
	seeds := make([]Seed, len(j.seeds))
	for i, s := range j.seeds {
		seeds[i] = *s
		if s.target.Leads() {
			seeds[i].Joined = j.joinedBy(s.Addr)
		}
	}
	return seeds
}

// joinedBy reports, to a caller that holds mu, whether a member is at one of the addresses that a name
// leads to.
func (j *joining) joinedBy(name string) bool {
	return slices.ContainsFunc(j.seeds, func(s *Seed) bool { return s.From == name && s.Joined })
}
