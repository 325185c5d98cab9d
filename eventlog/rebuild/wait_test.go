package rebuild_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// TestWhatNobodyBringsIsNamed: a rebuild waits as long as it is to, says how much is here, and then by place what is not;
// it is still there for who goes on.
func TestWhatNobodyBringsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, ahead := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
		fill(t, log, 20)
		eventlogtest.Exchange(t, log, ahead)
		fill(t, ahead, 30)
		eventlogtest.Exchange(t, ahead, log)
		fill(t, ahead, 7)
		var told []rebuild.Progress
		cfg := rebuild.Config{To: ahead.Frontier(), Wait: 10 * time.Minute, Progress: func(p rebuild.Progress) { told = append(told, p) }}
		began := time.Now()
		_, err := rebuild.Run(t.Context(), log, "chain", cfg, &chain{name: "chain"})
		if lacking, ok := errors.AsType[*eventlog.NotHeldError](err); !ok || len(lacking.Heads[ahead.Author()]) != 1 {
			t.Errorf("%v", err)
		}
		if place := fmt.Sprintf("still not here: %s/30 to 36: ", ahead.Author()); !strings.Contains(err.Error(), place) {
			t.Errorf("%v: expected %q", err, place)
		}
		if waited := time.Since(began); waited != cfg.Wait {
			t.Errorf("it has waited for %s", waited)
		}
		// From 10 ms on each pause is twice the one before, less up to half, and at most 2 minutes.
		if looks := len(told); looks < 15 || looks > 25 {
			t.Errorf("it has looked %d times", looks)
		}
		for _, p := range told {
			if !p.Waits || p.Done != 50 || p.Total != 57 {
				t.Errorf("told %+v", p)
			}
		}
		eventlogtest.Exchange(t, ahead, log)
		if c := (&chain{name: "chain"}); run(t, log, c, rebuild.Config{}).Entries != 57 || c.count() != 57 {
			t.Errorf("%d applied", c.count())
		}
	})
}

// TestWhatIsDamagedIsWaitedFor: what the log holds and cannot read is an error that leaves what is done, or waited for, since
// a peer may give it back.
func TestWhatIsDamagedIsWaitedFor(t *testing.T) {
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		dir := t.TempDir()
		cfg := eventlog.Config{Key: ed25519.PrivateKey(eventlogtest.Key("reader"))}
		log := eventlogtest.Create(t, dir, cfg)
		w := weave{genesis: eventlogtest.Genesis(t), rng: rand.New(rand.NewPCG(1, 1)), authors: []string{"a", "b"}, ops: map[string][]crdt.Op{}}
		var ops []crdt.Op
		for range 40 {
			ops = append(ops, w.op(t, func(s string) []byte { return eventlogtest.Key(s) }))
		}
		take(t, log, w.rng, ops)
		want := fold(t, log, order)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		spoiled := ops[20]
		spoil(t, dir, spoiled.Bytes())
		log = eventlogtest.Reopen(t, dir, cfg)

		c := &chain{name: "chain"}
		_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order}, c)
		if _, ok := errors.AsType[*eventlog.DamagedError](err); !ok || c.stores != 1 {
			t.Fatalf("%s: %v, %d times stored", order, err, c.stores)
		}
		done := make(chan error)
		waits := make(chan struct{}, 100)
		go func() {
			_, err := rebuild.Run(t.Context(), log, "chain", rebuild.Config{Order: order, Wait: -1, Progress: func(p rebuild.Progress) {
				if p.Waits {
					waits <- struct{}{}
				}
			}}, c)
			done <- err
		}()
		<-waits
		outcomes, err := log.Apply(t.Context(), []crdt.Run{{Ops: []crdt.Op{spoiled}}})
		if err != nil || outcomes[0].Repaired != 1 {
			t.Fatalf("%s: %+v, %v", order, outcomes, err)
		}
		if err := <-done; err != nil || c.loads != 1 {
			t.Errorf("%s: %v, %d times loaded", order, err, c.loads)
		}
		wantResult(t, log, "chain", want)
	}
}

// spoil flips a byte of an op's body in the file of a log that is not open.
func spoil(t *testing.T, dir string, op []byte) {
	t.Helper()
	path := filepath.Join(dir, "quipu.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tail := op[len(op)-20:]
	if n := bytes.Count(b, tail); n == 0 {
		t.Fatal("the op is not found in the file")
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], tail)
		if i < 0 {
			break
		}
		at += i + 1
		b[at] ^= 1
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
