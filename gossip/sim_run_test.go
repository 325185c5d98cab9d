package gossip_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// The simulation runs whole clusters in fake time: real gossip and real logs on disk, over a network in
// memory, through schedules that a seed decides.
//
//	go test ./gossip -run 'TestSimulation$'                                 a few seeds, others each time
//	go test ./gossip -run 'TestSimulation$' -sim.seeds 5000 -sim.seed 1000  five thousand, from 1000 on
//	go test ./gossip -run 'TestSimulation$' -sim.seed 17 -sim.seeds 1       seed 17 again
//
// In every fourth seed, and with -sim.folders in each, something happens to the folders of nodes: they are restored,
// rolled back, copied, lost, spoiled or moved, while others are down, out of reach, or lie. The nodes ask then where their
// own feeds end.
//
// A seed fixes the schedule, what a power cut leaves, and the fate of the n-th packet of each link. It
// does not fix which packet is the n-th, nor whom memberlist probes, whose randomness cannot be seeded;
// a failure that hangs on those may take a few runs of its seed to come back. With -v each seed is named
// before it runs, for when the process itself dies; with QUIPU_TEST_LOG=1 the story and the nodes' own
// logs are printed as they go, with QUIPU_TEST_LOG=debug all of them.
var (
	simSeed    = flag.Uint64("sim.seed", 1, "simulation: the first seed")
	simSeeds   = flag.Int("sim.seeds", 0, "simulation: how many seeds to run (default 4 of the first 10, with -short 2, with QUIPU_E2E=1 all 10)")
	simFolders = flag.Bool("sim.folders", false, "simulation: have something happen to the folders of nodes in each cluster, not in every fourth")
	simNodes   = flag.Int("sim.nodes", 0, "simulation: how many nodes each cluster has (default: the seed decides, 3 to 50)")
)

// simHeap is how many bytes the heap may have grown by between the first few seeds and any later one,
// with no cluster running.
const simHeap = 24 << 20

// Of ten seeds a run without QUIPU_E2E=1 takes four that follow each other, one of which has something happen to folders,
// and leaves the others to the run with it.
func TestSimulation(t *testing.T) {
	first, seeds := *simSeed, *simSeeds
	switch {
	case seeds > 0:
	case testing.Short():
		seeds = 2
	case os.Getenv("QUIPU_E2E") != "":
		seeds = 10
	default:
		first, seeds = first+rand.Uint64N(7), 4
	}
	var base int64
	for i := range seeds {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			sc := newScenario(seed, *simNodes, *simFolders)
			s, err := simulate(t, sc, flaw{})
			if err != nil {
				t.Fatal(simReport(s, err))
			}
			t.Logf("%d nodes, %d events, %d entries, %d lost with their disks, settled within %s", len(s.names), len(sc.steps), len(s.acked), s.lost, s.slowest.Round(time.Millisecond))
		})
		switch heap := eventlogtest.HeapAlive(); {
		case i < 3:
			base = max(base, heap)
		case heap > base+simHeap:
			t.Fatalf("seed %d: the heap has grown from %d to %d bytes between seeds", seed, base, heap)
		}
	}
}

// simulate runs a scenario in a bubble of its own and returns what became of it.
func simulate(t *testing.T, sc scenario, f flaw) (s *simulation, err error) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s = newSimulation(t, sc, f, dir)
		defer s.close()
		err = s.run()
		if err != nil {
			s.last = s.describe()
		}
	})
	return s, err
}

// simReport says which invariant broke, what had happened up to then, and how to see it again.
func simReport(s *simulation, err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d nodes: %v\n\nWhat had happened:\n", s.sc.seed, s.sc.nodes, err)
	for _, line := range s.story {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "\nHow the nodes stood:\n%s\nAgain:\n  go test ./gossip -run 'TestSimulation$' -sim.seeds 1 -sim.seed %d", s.last, s.sc.seed)
	if *simFolders {
		b.WriteString(" -sim.folders")
	}
	if *simNodes > 0 {
		fmt.Fprintf(&b, " -sim.nodes %d", *simNodes)
	}
	return b.String() + "\n"
}
