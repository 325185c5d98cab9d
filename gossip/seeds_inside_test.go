package gossip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/membership"
)

// lines returns each seed as "ADDRESS SOURCE FROM".
func (j *joining) lines() []string {
	var all []string
	for _, s := range j.all() {
		all = append(all, strings.TrimSpace(fmt.Sprint(s.Addr, " ", s.Source, " ", s.From)))
	}
	return all
}

func (j *joining) want(t *testing.T, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, j.lines()); diff != "" {
		t.Errorf("seeds (-want +got):\n%s", diff)
	}
}

func at(addrs ...string) (all []find.Found) {
	for _, a := range addrs {
		all = append(all, find.Found{Addr: a})
	}
	return all
}

// What was given stands first, and an address of several sources counts as that of the most trusted.
func TestSeedsBySource(t *testing.T) {
	j := newJoining([]string{"a:1", "dns+b:1", "a:1"})
	j.found(find.Remembered, "", at("10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "no address"))
	j.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.1:1 remembered", "10.0.0.2:1 remembered", "10.0.0.3:1 remembered")
	j.found(find.MDNS, "", at("10.0.0.2:1"))
	j.found(find.DNS, "dns+b:1", at("10.0.0.3:1", "10.0.0.4:1"))
	j.found(find.MDNS, "", at("10.0.0.2:1", "10.0.0.3:1"))
	j.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.3:1 dns dns+b:1", "10.0.0.4:1 dns dns+b:1", "10.0.0.2:1 mdns", "10.0.0.1:1 remembered")
	if err := j.add([]string{"10.0.0.2:1", "c:1"}); err != nil {
		t.Fatal(err)
	}
	j.found(find.DNS, "dns+b:1", at("10.0.0.4:1"))
	j.want(t, "a:1 configured", "dns+b:1 configured", "10.0.0.2:1 configured", "c:1 configured", "10.0.0.4:1 dns dns+b:1", "10.0.0.1:1 remembered")
}

// Two names may lead to one address; it goes when both have let go of it.
func TestSeedOfTwoNames(t *testing.T) {
	j := newJoining([]string{"dns+a:1", "dns+b:1"})
	j.found(find.DNS, "dns+a:1", at("10.0.0.1:1"))
	j.found(find.DNS, "dns+b:1", at("10.0.0.1:1"))
	j.found(find.DNS, "dns+a:1", nil)
	j.found(find.DNS, "dns+b:1", at("10.0.0.1:1")) // the next look-up
	j.want(t, "dns+a:1 configured", "dns+b:1 configured", "10.0.0.1:1 dns dns+b:1")
	j.found(find.DNS, "dns+b:1", nil)
	j.want(t, "dns+a:1 configured", "dns+b:1 configured")
}

// Who is announced at an address may change.
func TestSeedChangesHands(t *testing.T) {
	j := newJoining(nil)
	j.found(find.MDNS, "", []find.Found{{Author: crdt.Author{1}, Addr: "10.0.0.1:1"}})
	j.found(find.MDNS, "", []find.Found{{Author: crdt.Author{2}, Addr: "10.0.0.1:1"}})
	if got := j.all()[0].Peer; got != (crdt.Author{2}) {
		t.Errorf("peer %s", got)
	}
}

// What is beyond a bound is refused, or left out where nobody gave it.
func TestSeedsAreBounded(t *testing.T) {
	names, addrs := make([]string, find.MaxNames+1), make([]string, maxSeeds+1)
	for i := range names {
		names[i] = fmt.Sprintf("dns+n%d:1", i)
	}
	for i := range addrs {
		addrs[i] = fmt.Sprintf("n%d:1", i)
	}
	j := newJoining(nil)
	if err := j.add(names); err == nil || !strings.Contains(err.Error(), "dns+n64:1: more than 64 names") {
		t.Errorf("names: %v", err)
	}
	if err := j.add(addrs); err == nil || !strings.Contains(err.Error(), "n256:1: more than 256 addresses") {
		t.Errorf("addresses: %v", err)
	}
	if err := j.add([]string{"a:1", "nowhere"}); err == nil || len(j.all()) != 0 {
		t.Errorf("%v, and %d seeds", err, len(j.all()))
	}
	var many []find.Found
	for i := range 2 * maxFoundSeeds {
		many = append(many, find.Found{Addr: fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)})
	}
	for range 2 {
		j.found(find.MDNS, "", many)
		if n := len(j.all()); n != maxFoundSeeds {
			t.Fatalf("%d seeds, want %d", n, maxFoundSeeds)
		}
	}
}

// Of each source so many are tried at a time; a try of a seed that has gone meanwhile gives its place
// back once.
func TestTriesAreBounded(t *testing.T) {
	now := time.Now()
	j := newJoining([]string{"a:1"})
	var many []find.Found
	for i := range 3 * maxTries {
		many = append(many, find.Found{Addr: fmt.Sprintf("10.0.0.%d:1", i)})
	}
	j.found(find.MDNS, "", many)
	first := j.due(now)
	if len(first) != 1+maxTries || first[0].Addr != "a:1" {
		t.Fatalf("%d tries, the first of %s", len(first), first[0].Addr)
	}
	if again := j.due(now); len(again) != 0 {
		t.Fatalf("%d more tries", len(again))
	}
	j.found(find.MDNS, "", many[maxTries:])
	later := func(s *Seed) { s.Err, s.until = errors.New("no"), now.Add(time.Hour) }
	for _, s := range first {
		j.tried(s.Addr, later)
	}
	if next := j.due(now); len(next) != maxTries {
		t.Errorf("%d tries, want %d", len(next), maxTries)
	}
	for source, n := range j.tries {
		if want := map[find.Source]int{find.MDNS: maxTries}[source]; n != want {
			t.Errorf("%d tries of %s, want %d", n, source, want)
		}
	}
}

// However many dead addresses a source has, each has its turn.
func TestEverySeedHasItsTurn(t *testing.T) {
	for _, source := range []find.Source{find.DNS, find.Remembered} {
		j := newJoining(nil)
		var found []find.Found
		for i := range 200 {
			found = append(found, find.Found{Addr: fmt.Sprintf("10.1.0.%d:7946", i+1)})
		}
		j.found(source, "name", found)
		g := &Gossip{pace: paceOf(membership.LAN), joining: j}
		type try struct {
			seed Seed
			ends time.Time
		}
		var tries []try
		now := time.Now()
		for range 4 * 600 { // ten minutes of a quarter of a second
			now = now.Add(250 * time.Millisecond)
			for len(tries) > 0 && !tries[0].ends.After(now) {
				j.tried(tries[0].seed.Addr, func(s *Seed) {
					s.Tries++
					s.Err = errors.New("timeout")
					g.plan(s, now)
				})
				tries = tries[1:]
			}
			for _, s := range j.due(now) {
				tries = append(tries, try{s, now.Add(joinTime)})
			}
		}
		for _, s := range j.all() {
			if s.Tries == 0 {
				t.Errorf("%s: %s was never tried", source, s.Addr)
			}
		}
	}
}
