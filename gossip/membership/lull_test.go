package membership

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// A call is held for as long as the lull lasts, and not after a stir: at once, and for the while that it names.
func TestLull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		l := lull{hold: time.Second}
		idle := func() bool { return true }
		held := func() time.Duration {
			began := time.Now()
			l.wait(done, idle)
			return time.Since(began)
		}
		if took := held(); took != time.Second {
			t.Errorf("in a lull, a call is held for %s", took)
		}
		time.AfterFunc(300*time.Millisecond, func() { l.stir(time.Now(), 5*time.Second) })
		if took := held(); took != 300*time.Millisecond {
			t.Errorf("a call that is held when something happens is held for %s", took)
		}
		time.Sleep(4 * time.Second)
		l.stir(time.Now(), 0) // does not cut short what is left
		if took := held(); took != 0 {
			t.Errorf("after a stir, a call is held for %s", took)
		}
		time.Sleep(time.Second)
		if took := held(); took != time.Second {
			t.Errorf("when that is over, a call is held for %s", took)
		}
		idle = func() bool { return false }
		if took := held(); took != 0 {
			t.Errorf("a call that has something to do is held for %s", took)
		}
		idle = func() bool { l.stir(time.Now(), 0); return true } // just after the look
		if took := held(); took != 0 {
			t.Errorf("a call that got something to do while it looked is held for %s", took)
		}
		idle = func() bool { return true }
		close(done)
		if took := held(); took != 0 {
			t.Errorf("at the end, a call is held for %s", took)
		}
		if (&lull{}).begin(time.Now()) != nil {
			t.Error("a lull that holds nothing holds a call")
		}
	})
}

// Members at rest ping somebody about once a second. One that falls silent is dead for all within the pings of a few
// seconds, as many as there are others, and the time of a suspicion.
func TestMembersAtRest(t *testing.T) {
	onScene(t, func(s *scene) {
		names := []string{"node", "b", "c", "d"}
		members := []*Membership{s.node}
		for i, name := range names[1:] {
			m, _, stop := s.start(name, byte(10+i))
			defer stop()
			if err := m.Join(s.Context(), crdt.AuthorOf(keyOf(1)), s.at); err != nil {
				s.Fatal(err)
			}
			members = append(members, m)
		}
		packets := func() (n uint64) {
			for _, from := range names {
				for _, to := range names {
					n += s.world.Traffic(from, to).Packets
				}
			}
			return n
		}
		time.Sleep(30 * time.Second)
		before := packets()
		time.Sleep(time.Minute)
		if n := packets() - before; n < 4*2*55 || n > 4*2*65 {
			s.Errorf("4 members sent %d packets in a minute at rest, want a ping and its answer a second each", n)
		}
		s.node.Advertise(crdt.AuthorOf(keyOf(1)), []crdt.Head{{Next: 1, ID: crdt.OpID{1}}})
		time.Sleep(200 * time.Millisecond)
		for i, m := range members[1:] {
			if adverts, _ := m.Hints(); len(adverts) != 1 {
				s.Errorf("%s was not told of an advert at once: %v", names[1+i], adverts)
			}
		}
		time.Sleep(5 * time.Second)
		for _, m := range members {
			m.Doubt()
		}
		before = packets()
		time.Sleep(4 * time.Second)
		if n := packets() - before; n < 4*2*14 || n > 4*2*18 {
			s.Errorf("4 members in doubt sent %d packets in 4 s, want four pings and their answers a second each", n)
		}
		time.Sleep(5 * time.Second)
		s.world.Partition([]string{"d"}, names[:3])
		silent, began := crdt.AuthorOf(keyOf(12)), time.Now()
		for _, m := range members[:3] {
			for alive := true; alive; time.Sleep(10 * time.Millisecond) {
				if seen, _ := m.Member(silent); !seen.Alive {
					alive = false
				}
				if time.Since(began) > 6*time.Second {
					s.Fatal("somebody does not notice")
				}
			}
		}
		s.Logf("noticed after %s", time.Since(began))
		s.world.Heal()
	})
}

// A member that leaves in a lull tells the others so before it has gone.
func TestALeaveInALullIsTold(t *testing.T) {
	onScene(t, func(s *scene) {
		b, _, stop := s.start("b", 10)
		defer stop()
		c, _, leave := s.start("c", 11)
		for _, m := range []*Membership{b, c} {
			if err := m.Join(s.Context(), crdt.AuthorOf(keyOf(1)), s.at); err != nil {
				s.Fatal(err)
			}
		}
		time.Sleep(30 * time.Second)
		began := time.Now()
		leave()
		if took := time.Since(began); took >= leaveTime {
			s.Errorf("it took %s to leave: nobody was told", took)
		}
		time.Sleep(10 * time.Millisecond)
		for i, m := range []*Membership{s.node, b} {
			if left, known := m.Member(crdt.AuthorOf(keyOf(11))); !known || left.Alive {
				s.Errorf("member %d takes it for alive", i)
			}
		}
	})
}
