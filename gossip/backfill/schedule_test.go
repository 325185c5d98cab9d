package backfill

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

const mib = 1 << 20

// fill gives all holders a feed of n entries and returns its author.
func (m *model) fill(n uint64, entryBytes int) crdt.Author {
	author := m.name()
	ops := m.chain(crdt.Head{}, n, 100, entryBytes)
	for _, h := range m.holders {
		h.ops[author] = ops
	}
	return author
}

func TestEqualHoldersDeliverEquallyAndNothingTwice(t *testing.T) {
	for _, k := range []int{1, 2, 3, 5, 8} {
		m := newModel(t, uint64(k), Config{})
		for range k {
			m.join(honest, 4*mib)
		}
		m.fill(1e6, 100)
		took := m.until(time.Minute, nil)
		if m.dups > 0 {
			t.Errorf("%d holders: %d bytes came twice", k, m.dups)
		}
		share := float64(m.got) / float64(k)
		for _, h := range m.holders {
			if part := float64(h.sent) / share; part < 0.5 || part > 2 {
				t.Errorf("%d holders: one delivered %.2f of its share", k, part)
			}
		}
		if best := share / (4 * mib); took.Seconds() > 1.3*best+1 {
			t.Errorf("%d holders: took %v, and %.1fs would do", k, took, best)
		}
	}
}

func TestLargeEntriesFillSpans(t *testing.T) {
	m := newModel(t, 7, Config{})
	for range 4 {
		m.join(honest, 20*mib)
	}
	author := m.name()
	ops := m.chain(crdt.Head{}, 4000, 1, 100<<10)
	for _, h := range m.holders {
		h.ops[author] = ops
	}
	took := m.until(time.Minute, nil)
	if m.dups > 0 {
		t.Errorf("%d bytes came twice", m.dups)
	}
	if best := float64(m.got) / (4 * 20 * mib); took.Seconds() > 1.5*best+1 {
		t.Errorf("took %v, and %.1fs would do", took, best)
	}
}

func TestFeedThatBeginsAtAFloor(t *testing.T) {
	for _, floor := range []uint64{100, 5000, 30000, 1e6} {
		m := newModel(t, floor, Config{})
		m.join(honest, 4*mib)
		m.join(honest, 4*mib)
		author := m.name()
		ops := m.chain(crdt.Head{Next: floor, ID: crdt.OpID{7}}, 50000, 100, 100)
		m.floors[ops[0].key.ID] = true
		for _, h := range m.holders {
			h.ops[author] = ops
		}
		if took := m.until(time.Minute, nil); took > 5*time.Second {
			t.Errorf("floor %d: took %v", floor, took)
		}
	}
}

func TestSlowHolderHoldsUpLittle(t *testing.T) {
	for seed := range uint64(5) {
		m := newModel(t, seed, Config{})
		for range 3 {
			m.join(honest, 4*mib)
		}
		slow := m.join(honest, 4*mib/100)
		m.fill(5e5, 100)
		took := m.until(time.Minute, nil)
		if best := float64(m.got) / (3 * 4 * mib); took.Seconds() > best+1.5 {
			t.Errorf("took %v, and %.1fs would do without the slow one, which sent %d", took, best, slow.sent)
		}
		if m.dups > 2*mib {
			t.Errorf("%d bytes came twice", m.dups)
		}
	}
}

func TestTrickleLosesTheWholeOfAFork(t *testing.T) {
	m := newModel(t, 1, Config{})
	drip := m.join(trickle, mib)
	author := m.name()
	trunk := m.chain(crdt.Head{}, 20000, 100, 100)
	fork := m.chain(trunk[50].head(), 300, 100, 100)
	drip.ops[author] = append(trunk[:len(trunk):len(trunk)], fork...)
	m.pass(time.Second)
	good := m.join(honest, 4*mib)
	good.ops[author] = drip.ops[author]
	if took := m.until(time.Minute, nil); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCutGoesOnWhereItWas(t *testing.T) {
	m := newModel(t, 3, Config{})
	m.join(honest, 2*mib)
	m.join(honest, 2*mib)
	m.fill(3e5, 100)
	steps := 0
	m.until(2*time.Minute, func() {
		steps++
		h := m.holders[steps/70%2]
		switch steps % 70 {
		case 30:
			m.cut(h)
		case 69:
			m.mend(h)
		}
	})
	if m.dups > 0 {
		t.Errorf("%d bytes came twice", m.dups)
	}
}

func TestClaimFarAheadCostsTwoAsksAndIsNotBelieved(t *testing.T) {
	m := newModel(t, 4, Config{})
	good := m.join(honest, 2*mib)
	author := m.fill(20000, 100)
	liar := m.join(empty, mib)
	far := modelOp{key: crdt.Key{First: 1<<50 - 1, ID: crdt.OpID(m.name())}, next: 1 << 50}
	liar.ops[author] = []modelOp{far}
	m.until(time.Minute, nil)
	m.pass(10 * time.Second)
	if n := m.asked[[2]crdt.Author{liar.id, author}]; n > 2 {
		t.Errorf("the liar was asked %d times", n)
	}
	if p := m.sched.Progress(m.now); p.Entries > 0 || p.Claimed != 1 {
		t.Errorf("progress %+v, want one claim", p)
	}
	if lag := m.sched.Lag(liar.id, m.now); lag.Entries > 0 || lag.Claimed != 1 {
		t.Errorf("lag %+v, want one claim", lag)
	}
	if lag := m.sched.Lag(good.id, m.now); lag != (Lag{}) {
		t.Errorf("lag %+v behind the honest one", lag)
	}
}

func TestSilentLiarsDelayLittle(t *testing.T) {
	m := newModel(t, 5, Config{})
	for range 10 {
		m.join(silent, mib)
	}
	m.join(honest, 4*mib)
	m.fill(2e5, 100)
	if took := m.until(time.Minute, nil); took > 25*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestManyAuthors(t *testing.T) {
	m := newModel(t, 6, Config{})
	for range 3 {
		m.join(honest, 4*mib)
	}
	for range 5000 {
		m.fill(10, 100)
	}
	m.until(time.Minute, nil)
	if m.dups > 0 {
		t.Errorf("%d bytes came twice", m.dups)
	}
}

// TestAllThatAnHonestHolderHasArrives is the promise, whatever the others do.
func TestAllThatAnHonestHolderHasArrives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, rapid.Uint64().Draw(rt, "seed"), Config{})
		for range rapid.IntRange(1, 4).Draw(rt, "honest") {
			m.join(honest, mib*math.Pow(10, rapid.Float64Range(-0.5, 1).Draw(rt, "speed")))
		}
		sound := len(m.holders)
		for range rapid.IntRange(0, 3).Draw(rt, "liars") {
			m.join(nature(rapid.IntRange(int(silent), int(trickle)).Draw(rt, "nature")), mib)
		}
		for range rapid.IntRange(1, 4).Draw(rt, "authors") {
			m.draw(rt)
		}
		down := 0
		m.until(10*time.Minute, func() {
			h := m.holders[m.rand.IntN(sound)]
			switch {
			case down < 20 && !h.down && m.rand.IntN(100) == 0:
				m.cut(h)
				down++
			case h.down && m.rand.IntN(50) == 0:
				m.mend(h)
			}
		})
	})
}

// draw gives the holders a feed: some have a part of it, some a branch.
func (m *model) draw(rt *rapid.T) {
	author := m.name()
	n := uint64(math.Pow(10, rapid.Float64Range(0, 5.5).Draw(rt, "entries")))
	trunk := m.chain(crdt.Head{}, n, int(n)/1000+rapid.IntRange(1, 200).Draw(rt, "op"), 20)
	forked := rapid.Bool().Draw(rt, "forked")
	for _, h := range m.holders {
		ops := trunk[:1+m.rand.IntN(len(trunk))]
		if forked && m.rand.IntN(2) == 0 {
			ops = append(ops[:len(ops):len(ops)], m.chain(ops[m.rand.IntN(len(ops))].head(), 1+m.rand.Uint64N(5000), 100, 20)...)
		}
		h.ops[author] = ops
	}
}
