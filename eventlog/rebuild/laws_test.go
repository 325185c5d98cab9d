package rebuild_test

import (
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// errKilled stands for a kill: the run ends, and the next has a new projection.
var errKilled = errors.New("killed")

// TestOneRangeGivesTheSameBytesAnywhere: a rebuild of what a frontier stands for comes to what a log says in its
// order that holds just that, whatever else is held, in which order it came, what has forked since, and how often
// the rebuild is killed on the way; and it finishes once. It goes the way that is shipped, which the tests of system D
// did not.
func TestOneRangeGivesTheSameBytesAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		order := rapid.SampledFrom([]eventlog.Order{eventlog.ByAuthor, eventlog.Causal}).Draw(rt, "order")
		every := rapid.IntRange(1, 20).Draw(rt, "checkpoint")
		rng := rand.New(rand.NewPCG(seed, 1))
		w := weave{genesis: eventlogtest.Genesis(t), rng: rng, authors: []string{"a", "b", "c"}, ops: map[string][]crdt.Op{}}
		key := func(s string) []byte { return eventlogtest.Key(s) }
		open := func(name string) *eventlog.Log {
			return eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: ed25519.PrivateKey(key(name)), MaxBranches: 1000})
		}
		var within, later []crdt.Op
		for range 25 {
			within = append(within, w.op(t, key))
		}
		for range 15 {
			later = append(later, w.op(t, key))
		}
		just := open("just")
		take(t, just, rng, within)
		to := just.Frontier()
		want := fold(t, just, order)
		total := uint64(0)
		for _, op := range within {
			total += op.Count
		}
		for _, name := range []string{"x", "y"} {
			log := open(name)
			take(t, log, rng, append(within[:len(within):len(within)], later...))
			for done := false; !done; {
				c := &chain{name: "chain"}
				left := rapid.IntRange(1, 60).Draw(rt, "until killed")
				c.apply = func(uint64) error {
					if left--; left < 0 {
						return errKilled
					}
					return nil
				}
				before := uint64(0)
				if all, _ := rebuild.List(t.Context(), log); len(all) > 0 {
					before = all[0].Done
				}
				result, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order, To: to, MaxEntries: every}, c)
				if err == nil {
					done = true
					if result.Entries != total || result.Before || c.finishes != 1 {
						rt.Fatalf("%s: result %+v, %d times finished; want %d entries", name, result, c.finishes, total)
					}
					continue
				}
				if !errors.Is(err, errKilled) {
					rt.Fatal(err)
				}
				all, err := rebuild.List(t.Context(), log)
				if err != nil {
					rt.Fatal(err)
				}
				after := uint64(0)
				if len(all) > 0 {
					after = all[0].Done
				}
				if lost := before + uint64(len(c.applied)) - after; lost > uint64(every) {
					rt.Fatalf("%s: %d entries of work are lost, with a checkpoint every %d", name, lost, every)
				}
			}
			wantResult(t, log, "chain", want)
			noHolds(t, log)
			again := &chain{name: "chain"}
			if result := run(t, log, again, rebuild.Config{Order: order, To: to}); !result.Before || result.Entries != total || again.news+again.finishes > 0 {
				rt.Fatalf("once finished: %+v, %+v", result, again)
			}
		}
	})
}
