package gossip

import (
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// However many peers name as members, an error says who is missing in a line that can be read, and making it takes the
// loop no longer: it is made anew at every tick.
func TestWhoIsMissingFitsALine(t *testing.T) {
	a := &ownEndAsking{g: &Gossip{}}
	waiting := make([]Absent, maxHinted)
	for i := range waiting {
		waiting[i] = Absent{Author: crdt.Author{byte(i >> 8), byte(i), 1}, Name: "a ghost"}
	}
	over, err := a.decide(&state{linked: newLinked()}, time.Now(), waiting)
	if over || err == nil || !strings.HasSuffix(err.Error(), " and 4088 more") || strings.Count(err.Error(), "a ghost") != maxTold {
		t.Errorf("with %d missing: over %t, %v", len(waiting), over, err)
	}
	if allocated := testing.AllocsPerRun(1, func() { a.decide(&state{linked: newLinked()}, time.Now(), waiting) }); allocated > 200 {
		t.Errorf("%.0f allocations", allocated)
	}
}

// Another process with our key, of which peers alone know, is waited for however long that takes.
func TestACopyIsNeverLate(t *testing.T) {
	now := time.Now()
	a := &ownEndAsking{g: &Gossip{self: crdt.Author{1}}, q: OwnEndQuestion{After: time.Minute}, began: now.Add(-time.Hour)}
	for author, late := range map[crdt.Author]bool{{1}: false, {2}: true} {
		m := &counting{Absent: Absent{Author: author}, heard: now}
		if got := a.late(m, false, now); got != late {
			t.Errorf("%s: late %t", author.Short(), got)
		}
	}
}
