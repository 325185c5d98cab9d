package find

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

// lines returns each seed as "ADDRESS SOURCE FROM".
func (s *Seeds) lines() []string {
	var all []string
	for _, seed := range s.All() {
		all = append(all, strings.TrimSpace(fmt.Sprint(seed.Addr, " ", seed.Source, " ", seed.From)))
	}
	return all
}

func (s *Seeds) want(t *testing.T, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, s.lines()); diff != "" {
		t.Errorf("seeds (-want +got):\n%s", diff)
	}
}

func at(addrs ...string) (all []Found) {
	for _, a := range addrs {
		all = append(all, Found{Addr: a})
	}
	return all
}

// seedsOf returns the seeds that were given.
func seedsOf(t *testing.T, texts ...string) *Seeds {
	t.Helper()
	s := NewSeeds()
	if err := s.Add(texts...); err != nil {
		t.Fatal(err)
	}
	return s
}

// What was given stands first, and an address of several sources counts as that of the most trusted.
func TestSeedsBySource(t *testing.T) {
	s := seedsOf(t, "a:1", "dns+b:1", "a:1")
	s.found(Remembered, "", at("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "no address"))
	s.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.1:1 remembered", "10.0.0.2:1 remembered", "10.0.0.3:1 remembered")
	s.found(MDNS, "", at("10.0.0.2:1"))
	s.found(DNS, "dns+b:1", at("10.0.0.3:1", "10.0.0.4:1"))
	s.found(MDNS, "", at("10.0.0.2:1", "10.0.0.3:1"))
	s.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.3:1 dns dns+b:1", "10.0.0.4:1 dns dns+b:1", "10.0.0.2:1 mdns", "10.0.0.1:1 remembered")
	if err := s.Add("10.0.0.2:1", "c:1"); err != nil {
		t.Fatal(err)
	}
	s.found(DNS, "dns+b:1", at("10.0.0.4:1"))
	s.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.2:1 configured", "c:1 configured", "10.0.0.4:1 dns dns+b:1", "10.0.0.1:1 remembered")
}

// Two names may lead to one address; it goes when both have let go of it.
func TestSeedOfTwoNames(t *testing.T) {
	s := seedsOf(t, "dns+a:1", "dns+b:1")
	s.found(DNS, "dns+a:1", at("10.0.0.1:1"))
	s.found(DNS, "dns+b:1", at("10.0.0.1:1"))
	s.found(DNS, "dns+a:1", nil)
	s.found(DNS, "dns+b:1", at("10.0.0.1:1")) // the next look-up
	s.want(t, "dns+a:1 configured", "dns+b:1 configured", "10.0.0.1:1 dns dns+b:1")
	s.found(DNS, "dns+b:1", nil)
	s.want(t, "dns+a:1 configured", "dns+b:1 configured")
}

// Who is announced at an address may change.
func TestSeedChangesHands(t *testing.T) {
	s := NewSeeds()
	s.found(MDNS, "", []Found{{Author: crdt.Author{1}, Addr: "10.0.0.1:1"}})
	s.found(MDNS, "", []Found{{Author: crdt.Author{2}, Addr: "10.0.0.1:1"}})
	if got := s.All()[0].Peer; got != (crdt.Author{2}) {
		t.Errorf("peer %s", got)
	}
}

// What is beyond a bound is refused, or left out where nobody gave it.
func TestSeedsAreBounded(t *testing.T) {
	names, addrs := make([]string, MaxNames+1), make([]string, maxSeeds+1)
	for i := range names {
		names[i] = fmt.Sprintf("dns+n%d:1", i)
	}
	for i := range addrs {
		addrs[i] = fmt.Sprintf("n%d:1", i)
	}
	s := NewSeeds()
	if err := s.Add(names...); err == nil || !strings.Contains(err.Error(), "dns+n64:1: more than 64 names") {
		t.Errorf("names: %v", err)
	}
	if err := s.Add(addrs...); err == nil || !strings.Contains(err.Error(), "n256:1: more than 256 addresses") {
		t.Errorf("addresses: %v", err)
	}
	if err := s.Add("a:1", "nowhere"); err == nil || len(s.All()) != 0 {
		t.Errorf("%v, and %d seeds", err, len(s.All()))
	}
	var many []Found
	for i := range 2 * maxFoundSeeds {
		many = append(many, Found{Addr: fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)})
	}
	for range 2 {
		s.found(MDNS, "", many)
		if n := len(s.All()); n != maxFoundSeeds {
			t.Fatalf("%d seeds, want %d", n, maxFoundSeeds)
		}
	}
}

// Of each source so many are tried at a time; a try of a seed that has gone meanwhile gives its place
// back once.
func TestTriesAreBounded(t *testing.T) {
	now := time.Now()
	s := seedsOf(t, "a:1")
	var many []Found
	for i := range 3 * maxTries {
		many = append(many, Found{Addr: fmt.Sprintf("10.0.0.%d:1", i)})
	}
	s.found(MDNS, "", many)
	first := s.due(now)
	if len(first) != 1+maxTries || first[0].Addr != "a:1" {
		t.Fatalf("%d tries, the first of %s", len(first), first[0].Addr)
	}
	if again := s.due(now); len(again) != 0 {
		t.Fatalf("%d more tries", len(again))
	}
	s.found(MDNS, "", many[maxTries:])
	later := func(seed *Seed) { seed.Err, seed.pause = errors.New("no"), backoff.Until(now.Add(time.Hour)) }
	for _, seed := range first {
		s.tried(seed.Addr, later)
	}
	if next := s.due(now); len(next) != maxTries {
		t.Errorf("%d tries, want %d", len(next), maxTries)
	}
	for source, n := range s.tries {
		if want := map[Source]int{MDNS: maxTries}[source]; n != want {
			t.Errorf("%d tries of %s, want %d", n, source, want)
		}
	}
}

// However many dead addresses a source has, each has its turn.
func TestEverySeedHasItsTurn(t *testing.T) {
	for _, source := range []Source{DNS, Remembered} {
		s := NewSeeds()
		var found []Found
		for i := range 200 {
			found = append(found, Found{Addr: fmt.Sprintf("10.1.0.%d:7946", i+1)})
		}
		s.found(source, "name", found)
		how := Search{Low: 500 * time.Millisecond, High: 10 * time.Second} // as on a LAN
		type try struct {
			seed Seed
			ends time.Time
		}
		var tries []try
		now := time.Now()
		for range 4 * 600 { // ten minutes of a quarter of a second
			now = now.Add(250 * time.Millisecond)
			for len(tries) > 0 && !tries[0].ends.After(now) {
				s.tried(tries[0].seed.Addr, func(seed *Seed) {
					seed.Tries++
					seed.Err = errors.New("timeout")
					s.plan(seed, how, now)
				})
				tries = tries[1:]
			}
			for _, seed := range s.due(now) {
				tries = append(tries, try{seed, now.Add(tryTime)})
			}
		}
		for _, seed := range s.All() {
			if seed.Tries == 0 {
				t.Errorf("%s: %s was never tried", source, seed.Addr)
			}
		}
	}
}
