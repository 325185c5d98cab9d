package scalemodel

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQueueKeepsTimeAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var want, got []int
		times := rapid.SliceOf(rapid.IntRange(0, 5)).Draw(t, "times")
		for i, at := range times {
			want = append(want, i)
			q.push(time.Duration(at), func() { got = append(got, i) })
		}
		slices.SortStableFunc(want, func(i, j int) int { return times[i] - times[j] })
		for {
			e, ok := q.pop(4)
			if !ok {
				break
			}
			e.do()
		}
		want = slices.DeleteFunc(want, func(i int) bool { return times[i] > 4 })
		if !slices.Equal(want, got) {
			t.Fatalf("want %v, got %v", want, got)
		}
	})
}

// A seed tells the same story again, another seed another.
func TestSeedsReplay(t *testing.T) {
	story := func(seed uint64) Result { return Run(Config{Nodes: 20, Seed: seed}) }
	first := story(1)
	if diff := cmp.Diff(first, story(1)); diff != "" {
		t.Errorf("the same seed:\n%s", diff)
	}
	if first.Reach == story(2).Reach {
		t.Error("two seeds tell the same")
	}
}

// Whatever the size and the seed: every op reaches every node, through a partition and deaths, and
// hardly more than once while nothing breaks.
func TestEveryStoryEndsWell(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		for _, nodes := range []int{2, 9, 60} {
			r := Run(Config{Nodes: nodes, Seed: seed})
			if r.Heal.Took >= healMost || r.Heal.Ops == 0 {
				t.Errorf("%d nodes, seed %d: not equal after a partition: %+v", nodes, seed, r.Heal)
			}
			if r.Ratio > 1.05 || r.Reach.Last == 0 || r.Reach.Last > time.Second || r.Reach.Median > r.Reach.Last {
				t.Errorf("%d nodes, seed %d: each op came %.3f times within %+v", nodes, seed, r.Ratio, r.Reach)
			}
			if r.Death.NoticedAll > 10*time.Second || nodes > 2 && r.Death.NoticedAll < 500*time.Millisecond {
				t.Errorf("%d nodes, seed %d: a death is noticed after %v", nodes, seed, r.Death.NoticedAll)
			}
		}
	}
}

func TestNothingIsLeftUnderWay(t *testing.T) {
	m := newModel(Config{Nodes: 60, Seed: 3}.withDefaults())
	m.writeFor(5 * time.Second)
	m.run(drainFor)
	if !m.equal() || m.total() == 0 {
		t.Error("the nodes do not hold the same")
	}
	for _, n := range m.nodes {
		if n.tree.Missing() > 0 {
			t.Errorf("node %d waits for something", n.index)
		}
	}
}

// To find that nothing differs costs the same in any cluster; to find what differs, so much for each
// author and level of the trie, until all heads are cheaper.
func TestComparisonsCostWhatTheyShould(t *testing.T) {
	same, _ := measure(100).of(0)
	for _, authors := range []int{200, 1000, 10_000} {
		c := measure(authors)
		if bytes, rounds := c.of(0); bytes != same || rounds != 1 {
			t.Errorf("%d authors: %v bytes in %d rounds for nothing", authors, bytes, rounds)
		}
		one, rounds := c.of(1)
		if one > 2000 || rounds > 6 {
			t.Errorf("%d authors: %.0f bytes in %d rounds for one", authors, one, rounds)
		}
		if ten, _ := c.of(10); ten > 11*one {
			t.Errorf("%d authors: %.0f bytes for ten, %.0f for one", authors, ten, one)
		}
		all, _ := c.of(authors)
		if more, _ := c.of(2 * authors); all != more || all > float64(160*authors) {
			t.Errorf("%d authors: %.0f bytes when all differ", authors, all)
		}
	}
}

// What comes while something is stored is stored together afterwards.
func TestCommitsGroup(t *testing.T) {
	m := newModel(Config{Nodes: 2}.withDefaults())
	n, store := m.nodes[0], m.cfg.Store
	m.run(time.Second)
	start := m.now
	var done []time.Duration
	commit := func() { m.commit(n, func() { done = append(done, m.now-start) }) }
	commit()
	m.after(store/2, commit)
	m.after(store*3/4, commit)
	m.after(store*3/2, commit)
	m.run(time.Second)
	if diff := cmp.Diff([]time.Duration{store, 2 * store, 2 * store, 3 * store}, done); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEachMemberIsProbedInTurn(t *testing.T) {
	m := newModel(Config{Nodes: 30}.withDefaults())
	n, seen := m.nodes[7], make(map[int]int)
	for range 60 {
		seen[m.probed(n)]++
	}
	for i := range m.nodes {
		if seen[i] != 2 {
			t.Errorf("node %d is probed %d times in 2 turns", i, seen[i])
		}
	}
}
