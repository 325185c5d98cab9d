package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// idle returns a node that does not run yet, and was told of another one.
func idle(t *testing.T) *Node {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	if _, _, err := Init(Birth{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	n, err := New(Config{Dir: dir, Listen: "127.0.0.1:0", Join: []string{"127.0.0.1:1"}, Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// TestCatchingUpKeepsANodeFromReadyForAWhileOnly: it is not ready until what the others had has come, as far as it is taken
// here, and 30 s after its start in any case. What is lacking then is another question.
func TestCatchingUpKeepsANodeFromReadyForAWhileOnly(t *testing.T) {
	n := idle(t)
	ready := func() bool { return api.Failing(n.Unready(), api.DemandReady) == nil }
	ranFor := func(d time.Duration) {
		began := time.Now().Add(-d)
		n.ran.Store(&began)
	}
	if ready() {
		t.Error("ready before it runs, though there may be others")
	}
	ranFor(0)
	if ready() {
		t.Error("ready before it has looked for others")
	}
	n.arrived.Store(true)
	if !ready() {
		t.Error("not ready though all has come")
	}
	n.arrived.Store(false)
	ranFor(catchUpFor)
	if !ready() {
		t.Error("not ready when its time is over")
	}
	if why := api.Failing(n.Unready(), api.DemandCaughtUp); len(why) != 1 || why[0].Condition != api.UnreadyUnlinked {
		t.Errorf("caught up: %v", why)
	}
}

// TestAPartThatEndsFailsTheNode: it ends with the node alone, or with an error of which it has to be started anew.
func TestAPartThatEndsFailsTheNode(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err  error
		over bool // the node has ended before
		want string
	}{
		"early":  {nil, false, "the part has ended"},
		"failed": {broken, false, "broken"},
		"told":   {nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := idle(t)
			if why := n.Dead(); why != nil {
				t.Fatalf("before: %v", why)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.over {
				cancel()
			}
			group, ctx := errgroup.WithContext(ctx)
			n.part(ctx, group, "the part", func(context.Context) error { return test.err })
			err, why := group.Wait(), n.Dead()
			if test.want == "" {
				if err != nil || why != nil {
					t.Errorf("%v, %v", err, why)
				}
				return
			}
			if err == nil || len(why) != 1 || why[0].Condition != api.DeadEnded || !strings.HasPrefix(why[0].Why, test.want) {
				t.Errorf("%v, %v", err, why)
			}
		})
	}
}

// TestWhatARestartHelps: a log that could not be opened again after its disk had failed. One that is being opened again, or
// has no room, gets well by itself.
func TestWhatARestartHelps(t *testing.T) {
	readOnly := fmt.Errorf("%w: it is gone", eventlog.ErrReadOnly)
	damaged := fmt.Errorf("%w: %w", eventlog.ErrReadOnly, &eventlog.DamagedError{Path: "quipu.db", What: "the file", Err: errors.New("x")})
	for name, test := range map[string]struct {
		eventlog.Health
		want string
	}{
		"well":        {eventlog.Health{}, ""},
		"full":        {eventlog.Health{Full: new(eventlog.Full), ReadOnly: readOnly}, ""},
		"opened anew": {eventlog.Health{ReadOnly: readOnly}, ""},
		"mute":        {eventlog.Health{Mute: eventlog.ErrSecondWriter, Damage: damaged}, ""},
		"gone":        {eventlog.Health{ReadOnly: readOnly, Broken: true}, "read-only"},
		"damaged":     {eventlog.Health{ReadOnly: damaged, Broken: true}, "damaged"},
	} {
		why := dead(test.Health, nil)
		if test.want == "" && why != nil || test.want != "" && (len(why) != 1 || why[0].Condition != test.want || why[0].Why != test.ReadOnly.Error()) {
			t.Errorf("%s: %v, want %q", name, why, test.want)
		}
	}
}
