package membership

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// An insider announces 1,100 nodes that do not exist. A newcomer makes a stream, and is a member all the
// same.
func TestAThousandGhostsKeepNobodyOut(t *testing.T) {
	onScene(t, func(s *scene) {
		s.ask(ghostsOf(1100))
		if n := len(s.node.Members()); n != s.node.cfg.MaxPeers {
			s.Errorf("%d ghosts were taken in, want %d", n, s.node.cfg.MaxPeers)
		}
		newcomer, _, stop := s.start("newcomer", 3)
		defer stop()
		if err := newcomer.Join(s.Context(), crdt.AuthorOf(keyOf(1)), s.at); err != nil {
			s.Fatal(err)
		}
		synctest.Wait()
		if m, known := s.node.Member(crdt.AuthorOf(keyOf(3))); !known || !m.Alive {
			s.Errorf("the newcomer is %+v, known: %v", m, known)
		}
		if m, known := newcomer.Member(crdt.AuthorOf(keyOf(1))); !known || !m.Alive {
			s.Errorf("for the newcomer, the node is %+v, known: %v", m, known)
		}
	})
}

// places returns a table with room for three of each sort.
func places() *table { return newTable(3) }

func announced(i int) checked {
	return checked{announcement: announcement{author: crdt.Author(binary.BigEndian.AppendUint32(make([]byte, 28), uint32(i)))}}
}

// Whoever met us before or after it was heard of has a place of the better sort, as long as there are any.
func TestPlaces(t *testing.T) {
	now := time.Now()
	table := places()
	for i := range 5 {
		if took := table.remember(announced(i), now); took != (i < 3) {
			t.Errorf("ghost %d was taken in: %v", i, took)
		}
	}
	for i := range 5 {
		table.meet(announced(10+i).author, now)
	}
	if n := len(table.guests); n != 3 {
		t.Errorf("%d guests are remembered", n)
	}
	for a := range table.guests {
		if !table.remember(checked{announcement: announcement{author: a}}, now) {
			t.Error("one that has met us was turned away")
		}
	}
	if n := len(table.guests); n != 0 {
		t.Errorf("%d guests are left", n)
	}
	table.meet(announced(0).author, now) // no better place is free
	if table.remember(announced(20), now) {
		t.Error("a fourth ghost was taken in")
	}
	if n := table.tooMany.Load(); n != 3 {
		t.Errorf("%d were counted", n)
	}
	table.places[announced(0).author].met = true // as if one had been
	if !table.remember(announced(20), now) {
		t.Error("nobody was taken in for the ghost that has met us")
	}
}

// A place whose member has gone is not another's at once, so that no number of announcements and deaths
// fills memberlist; the member itself finds it when it comes back, with an older announcement too.
func TestPlacesOfThoseWhoWent(t *testing.T) {
	now := time.Now()
	table := places()
	for i := range 3 {
		table.remember(announced(i), now)
		table.leave(announced(i).author, now)
	}
	if table.remember(announced(3), now.Add(placeLife-1)) {
		t.Error("a place was given away too soon")
	}
	if last, _ := table.known(announced(0).author, announced(0).addr, nil); last.author != (crdt.Author{}) {
		t.Error("an announcement is known after its author went")
	}
	if !table.remember(announced(0), now.Add(placeLife-1)) {
		t.Error("one that came back was turned away")
	}
	if !table.remember(announced(3), now.Add(placeLife)) {
		t.Error("a place was kept for too long")
	}
	if n := len(table.places); n != 2 {
		t.Errorf("%d places are taken", n)
	}
}
