package transition_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// stages returns the stage of each subject within bounds, and how contested it is.
func stages(t *testing.T, l *eventlog.Log, b transition.Bounds) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for s, err := range transition.States(t.Context(), l, b) {
		if err != nil {
			t.Fatal(err)
		}
		all[s.Subject] = s.Stage
		if s.Contested() {
			all[s.Subject] += " contested"
		}
	}
	return all
}

func TestStatesAtATime(t *testing.T) {
	now := noon
	l := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("ann"), Now: func() time.Time { return now }})
	y2k := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, m := range []transition.Move{
		{Subject: "a", To: "draft", Time: y2k},
		{Subject: "a", To: "accepted", Time: y2k.AddDate(3, 0, 0)},
		{Subject: "b", To: "draft", Time: y2k.AddDate(1, 0, 0)},
		{Subject: "a", To: "final", Time: y2k.AddDate(2, 0, 0)},
	} {
		now = noon.Add(time.Duration(i) * time.Minute)
		mustAppend(t, l, m)
	}
	for _, c := range []struct {
		bounds transition.Bounds
		want   map[string]string
	}{
		{transition.Bounds{}, map[string]string{"a": "final", "b": "draft"}},
		{transition.Bounds{Subjects: []string{"a"}}, map[string]string{"a": "final"}},
		{transition.Bounds{Subjects: []string{"nobody"}}, map[string]string{}},
		{transition.Bounds{Clock: transition.AtClock(noon.Add(-time.Millisecond))}, map[string]string{}},
		{transition.Bounds{Clock: transition.AtClock(noon)}, map[string]string{"a": "draft"}},
		{transition.Bounds{Clock: transition.AtClock(noon.Add(time.Minute))}, map[string]string{"a": "accepted"}},
		{transition.Bounds{Clock: transition.AtClock(noon.Add(time.Hour))}, map[string]string{"a": "final", "b": "draft"}},
		{transition.Bounds{Until: y2k}, map[string]string{"a": "draft"}},
		// The writer says that it was final before it was accepted, and knew that it was a draft.
		{transition.Bounds{Until: y2k.AddDate(2, 0, 0)}, map[string]string{"a": "final", "b": "draft"}},
		{transition.Bounds{Until: y2k.AddDate(3, 0, 0), Clock: transition.AtClock(noon.Add(time.Minute))}, map[string]string{"a": "accepted"}},
	} {
		if diff := cmp.Diff(c.want, stages(t, l, c.bounds)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.bounds, diff)
		}
		r, err := transition.ReplayAt(t.Context(), l, c.bounds)
		if err != nil || len(r.Subjects()) != len(c.want) {
			t.Errorf("replay at %+v: %d subjects, %v", c.bounds, len(r.Subjects()), err)
		}
	}
}

// What is written within one millisecond has clocks that differ in their counters alone.
func TestATimeTakesAllOfItsMillisecond(t *testing.T) {
	l := openAt(t, "ann", noon)
	for range 3 {
		mustAppend(t, l, transition.Move{Subject: "a", To: "draft"})
	}
	mustAppend(t, l, transition.Move{Subject: "a", To: "final"})
	if diff := cmp.Diff(map[string]string{"a": "final"}, stages(t, l, transition.Bounds{Clock: transition.AtClock(noon)})); diff != "" {
		t.Error(diff)
	}
}

// Logs move subjects, fork and exchange at random, in other orders. At each frontier that one of them
// had, every node that holds it says the same as it said then; in the end all checks are the same.
func TestTheSameSetGivesTheSameFindings(t *testing.T) {
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 9))
		names := []string{"ann", "bob", "carol"}
		logs := make([]*eventlog.Log, len(names))
		for i, name := range names {
			logs[i] = openAt(t, fmt.Sprintf("%s %d", name, seed), noon.Add(time.Duration(rng.IntN(3000))*time.Millisecond))
		}
		hub := openAt(t, fmt.Sprint("hub ", seed), noon)
		type moment struct {
			frontier crdt.Frontier
			stages   map[string]string
		}
		var moments []moment
		for range 40 {
			l := logs[rng.IntN(len(logs))]
			switch other := logs[rng.IntN(len(logs))]; {
			case rng.IntN(4) == 0 && l != other:
				eventlogtest.Exchange(t, l, other)
			case rng.IntN(4) == 0:
				eventlogtest.Exchange(t, l, hub)
				moments = append(moments, moment{hub.Frontier().Clone(), stages(t, hub, transition.Bounds{})})
			default:
				to := []string{"draft", "accepted", "final", "withdrawn", "acepted"}[rng.IntN(5)]
				mustAppend(t, l, transition.Move{Subject: fmt.Sprint("s", rng.IntN(3)), To: to, Trigger: "vote"})
			}
		}
		forked := fork(t, fmt.Sprint("forked ", seed), logs[0])
		for _, f := range forked {
			mustAppend(t, f, transition.Move{Subject: "s0", To: "draft"}, transition.Move{Subject: "s1", To: "final"})
		}
		var found [][]string
		for i, l := range []*eventlog.Log{hub, logs[0], logs[1]} {
			sources := append([]*eventlog.Log{logs[2], forked[0], logs[1], forked[1], logs[0]}, hub)
			rand.New(rand.NewPCG(seed, uint64(i))).Shuffle(len(sources), func(a, b int) { sources[a], sources[b] = sources[b], sources[a] })
			for _, from := range sources {
				if from != l {
					eventlogtest.Exchange(t, from, l)
				}
			}
			for _, m := range moments {
				if diff := cmp.Diff(m.stages, stages(t, l, transition.Bounds{Frontier: m.frontier})); diff != "" {
					t.Fatalf("seed %d: at a frontier, then and now:\n%s", seed, diff)
				}
			}
			r := check(t, l, transition.CheckConfig{})
			found = append(found, append(lines(r, nil), fmt.Sprint(r.Frontier, r.Counts, r.Edges, r.Contested)))
		}
		for _, f := range found[1:] {
			if diff := cmp.Diff(found[0], f); diff != "" {
				t.Fatalf("seed %d: checks differ:\n%s", seed, diff)
			}
		}
	}
}

// fork returns two logs over copies of one folder: two writers with one key, that hold what from holds.
func fork(t *testing.T, name string, from *eventlog.Log) []*eventlog.Log {
	t.Helper()
	home, twin := t.TempDir(), t.TempDir()
	cfg := eventlog.Config{Key: eventlogtest.Key(name), Now: func() time.Time { return noon }}
	l := eventlogtest.Create(t, home, cfg)
	eventlogtest.Exchange(t, from, l)
	mustAppend(t, l, transition.Move{Subject: name, To: "draft"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, home)
	if err := os.CopyFS(twin, os.DirFS(home)); err != nil {
		t.Fatal(err)
	}
	return []*eventlog.Log{eventlogtest.Reopen(t, home, cfg), eventlogtest.Reopen(t, twin, cfg)}
}

func TestAFrontierThatIsNotHeldIsRefused(t *testing.T) {
	a, b := openAt(t, "ann", noon), openAt(t, "bob", noon)
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	bounds := transition.Bounds{Frontier: a.Frontier()}
	ask := map[string]func(context.Context) error{
		"replay": func(ctx context.Context) error { _, err := transition.ReplayAt(ctx, b, bounds); return err },
		"check": func(ctx context.Context) error {
			_, err := transition.CheckLog(ctx, b, proposals(), transition.CheckConfig{Bounds: bounds})
			return err
		},
		"states": func(ctx context.Context) error {
			for _, err := range transition.States(ctx, b, bounds) {
				return err
			}
			return nil
		},
	}
	for name, do := range ask {
		err := do(t.Context())
		if lacking, ok := errors.AsType[*eventlog.NotHeldError](err); !ok || len(lacking.Heads[a.Author()]) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// System A: the whole log was copied to memory to read any of it. Here a check and the states hold one
// track for each subject: what they allocate and keep does not grow with the history of a subject.
func TestStatesDoNotHoldTheHistory(t *testing.T) {
	l := eventlogtest.Open(t)
	var moves []transition.Move
	for range 400 {
		for _, to := range []string{"open", "shut"} {
			moves = append(moves, transition.Move{Subject: "door", To: to})
		}
	}
	mustAppend(t, l, moves...)
	if held := transition.HeldBySurvey(t, l); held != 0 {
		t.Errorf("%d transitions of a plain history are held", held)
	}
	if got := stages(t, l, transition.Bounds{}); got["door"] != "shut" {
		t.Error(got)
	}
}
