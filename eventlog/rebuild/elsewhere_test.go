package rebuild_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// target keeps a chain and its checkpoint together, as a database would in a transaction. It outlives the process.
type target struct {
	state, result [40]byte
	checkpoint    []byte
}

// elsewhere is a chain whose state lies in a target. It dies, as by a kill, before a store or behind it.
type elsewhere struct {
	chain
	kept                         *target
	dieBefore, dieBehind, loaded int
}

func (e *elsewhere) Load(context.Context) ([]byte, error) {
	e.loaded++
	e.state = e.kept.state
	return e.kept.checkpoint, nil
}

func (e *elsewhere) Store(_ context.Context, checkpoint []byte) error {
	if e.stores++; e.stores == e.dieBefore {
		return errKilled
	}
	e.kept.state, e.kept.checkpoint = e.state, bytes.Clone(checkpoint)
	if e.stores == e.dieBehind {
		return errKilled // the target has it, and nobody else knows
	}
	return nil
}

func (e *elsewhere) Finish(ctx context.Context, checkpoint []byte) error {
	if err := e.Store(ctx, checkpoint); err != nil {
		return err
	}
	e.kept.result = e.state
	return nil
}

// TestElsewhereEachEntryHasItsEffectOnce: a target that keeps state and checkpoint in one transaction comes to the same
// wherever the process is killed, beside each of its transactions, in the last one too.
func TestElsewhereEachEntryHasItsEffectOnce(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	want := fold(t, log, eventlog.Causal)
	cfg := rebuild.Config{Order: eventlog.Causal, MaxEntries: 20, To: log.Frontier()}
	for die := 1; die <= 6; die++ {
		for _, behind := range []bool{false, true} {
			kept := &target{}
			cfg.Anew = true
			killed := &elsewhere{kept: kept}
			if behind {
				killed.dieBehind = die
			} else {
				killed.dieBefore = die
			}
			_, err := rebuild.RunElsewhere(t.Context(), log, "there", cfg, killed)
			if dies := die <= killed.stores; (err != nil) != dies || dies && !errors.Is(err, errKilled) {
				t.Fatalf("store %d, behind %v: %v", die, behind, err)
			}
			cfg.Anew = false
			for range 2 {
				e := &elsewhere{kept: kept}
				result, err := rebuild.RunElsewhere(t.Context(), log, "there", cfg, e)
				if err != nil || result.Entries != 100 {
					t.Fatalf("store %d, behind %v: %+v, %v", die, behind, result, err)
				}
			}
			if !bytes.Equal(kept.state[:], want) || !bytes.Equal(kept.result[:], want) {
				t.Errorf("store %d, behind %v: %x, want %x", die, behind, kept.result, want)
			}
			noHolds(t, log)
		}
	}
}

// TestElsewhereTheCheckpointIsOfOneRebuild: what a rebuild that was dropped has left in the target is not gone on with,
// and a target that was lost begins with the range that is under way.
func TestElsewhereTheCheckpointIsOfOneRebuild(t *testing.T) {
	log := eventlogtest.Open(t)
	fill(t, log, 100)
	kept := &target{}
	kill := func(cfg rebuild.Config, at uint64) {
		t.Helper()
		e := &elsewhere{kept: kept}
		e.apply = killAt(at)
		if _, err := rebuild.RunElsewhere(t.Context(), log, "there", cfg, e); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	kill(rebuild.Config{MaxEntries: 10}, 50)
	fill(t, log, 20)
	kill(rebuild.Config{MaxEntries: 1000, Anew: true}, 5) // killed before its first checkpoint
	e := &elsewhere{kept: kept}
	result, err := rebuild.RunElsewhere(t.Context(), log, "there", rebuild.Config{MaxEntries: 10}, e)
	if err != nil || result.Entries != 120 || e.news != 1 {
		t.Fatalf("%+v, %v, %d times new", result, err, e.news)
	}
	if got := fold(t, log, eventlog.ByAuthor); !bytes.Equal(kept.result[:], got) {
		t.Errorf("%x, want %x", kept.result, got)
	}

	log = eventlogtest.OpenAs(t, "another")
	fill(t, log, 100)
	want := fold(t, log, eventlog.ByAuthor)
	*kept = target{}
	kill(rebuild.Config{MaxEntries: 10}, 50)
	fill(t, log, 20)
	*kept = target{}
	if result, err = rebuild.RunElsewhere(t.Context(), log, "there", rebuild.Config{}, &elsewhere{kept: kept}); err != nil || result.Entries != 100 || !bytes.Equal(kept.result[:], want) {
		t.Errorf("a target that was lost: %+v, %v", result, err)
	}

	// The log's file was lost, and the target has all: the rebuild has finished.
	third := eventlogtest.OpenAs(t, "third")
	eventlogtest.Exchange(t, log, third)
	e = &elsewhere{kept: kept}
	if result, err = rebuild.RunElsewhere(t.Context(), third, "there", rebuild.Config{}, e); err != nil || !result.Before || e.news+len(e.applied) > 0 {
		t.Errorf("finished before: %+v, %v", result, err)
	}
	kept.checkpoint = []byte(`{"form":9}`)
	if _, err = rebuild.RunElsewhere(t.Context(), third, "other", rebuild.Config{}, &elsewhere{kept: kept}); !errors.Is(err, rebuild.ErrVersion) {
		t.Errorf("a checkpoint of another form: %v", err)
	}
}
