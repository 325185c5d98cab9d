package transition_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// openAt opens a log whose wall clock stands still.
func openAt(t *testing.T, name string, now time.Time) *eventlog.Log {
	t.Helper()
	return eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key(name), Now: func() time.Time { return now }})
}

// Ann and Bob know the draft and move it without knowing of each other; then Ann, who knows both,
// goes on.
//
//	ann   draft ─┬─ accepted ───┬─ final
//	bob          └─ withdrawn ──┘
func TestConcurrentMovesAreNamed(t *testing.T) {
	a, b := openAt(t, "ann", noon), openAt(t, "bob", noon.Add(time.Second))
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	mustAppend(t, a, transition.Move{Subject: "x", To: "accepted"})
	mustAppend(t, b, transition.Move{Subject: "x", To: "withdrawn"})
	eventlogtest.Exchange(t, a, b)
	eventlogtest.Exchange(t, b, a)
	mustAppend(t, a, transition.Move{Subject: "x", To: "final"})
	eventlogtest.Exchange(t, a, b)
	for _, l := range []*eventlog.Log{a, b} {
		wantHistory(t, l, "x", ">draft", "draft>accepted concurrent 2", "draft>withdrawn was accepted concurrent 2", "withdrawn>final")
		if stage := replay(t, l).Subject("x").Stage; stage != "final" {
			t.Errorf("stage %s", stage)
		}
	}
}

// Both begin the same subject: two transitions that name none are concurrent too.
func TestTwoBeginningsAreConcurrent(t *testing.T) {
	a, b := openAt(t, "ann", noon), openAt(t, "bob", noon.Add(time.Second))
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	mustAppend(t, b, transition.Move{Subject: "x", To: "active"})
	eventlogtest.Exchange(t, a, b)
	wantHistory(t, b, "x", ">draft concurrent 2", ">active was draft concurrent 2")
}

// Carol hears from Bob before she hears of Ann, whose move Bob's follows.
func TestMoveWhoseAfterIsNotHereIsEarly(t *testing.T) {
	a, b, c := openAt(t, "ann", noon), openAt(t, "bob", noon), openAt(t, "carol", noon)
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	mustAppend(t, b, transition.Move{Subject: "x", To: "final"})
	only := func(author crdt.Author) {
		t.Helper()
		heads := b.Frontier()[author]
		wants, err := c.Wants(t.Context(), crdt.Frontier{author: heads}, 0)
		if err != nil || len(wants) != 1 {
			t.Fatalf("%d wants, %v", len(wants), err)
		}
		segments, err := b.Plan(t.Context(), wants[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, seg := range segments {
			r, err := b.Read(t.Context(), &seg, crdt.MaxBatch)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Apply(t.Context(), []crdt.Run{r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	only(b.Author())
	wantHistory(t, c, "x", "draft>final was  early")
	only(a.Author())
	wantHistory(t, c, "x", ">draft", "draft>final")
}

// A clock that is an hour ahead moves nobody's, so what is written in knowledge of it has a lower one.
func TestWhatFollowsAClockThatIsAheadComesAfterIt(t *testing.T) {
	a, b := openAt(t, "ann", noon.Add(time.Hour)), openAt(t, "bob", noon)
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	mustAppend(t, b, transition.Move{Subject: "x", To: "active"})
	mustAppend(t, b, transition.Move{Subject: "x", To: "final"})
	eventlogtest.Exchange(t, b, a)
	for _, l := range []*eventlog.Log{a, b} {
		wantHistory(t, l, "x", ">draft", "draft>active", "active>final")
	}
	mustAppend(t, a, transition.Move{Subject: "x", To: "withdrawn"})
	wantHistory(t, a, "x", ">draft", "draft>active", "active>final", "final>withdrawn")
}

func TestMalformedTransitionsAreNamedAndStopNothing(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "x", To: "draft"})
	bad := []crdt.Event{
		{Kind: transition.Kind, Subject: "x", Payload: []byte(`{"to":""}`)},
		{Kind: transition.Kind, Subject: "x", Payload: []byte("\x00\xff"), ContentType: "application/octet-stream"},
		{Kind: transition.Kind, Payload: []byte(`{"to":"a"}`)},
		{Kind: transition.Kind, Subject: "x"},
	}
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for _, e := range bad { // as a stranger's program might
			if _, err := tx.AppendReserved(e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, transition.Move{Subject: "x", To: "final"})
	wantHistory(t, l, "x", ">draft", "draft>final")
	wantChain(t, l, "x")
	if got := len(replay(t, l).Malformed); got != len(bad) {
		t.Errorf("%d malformed, want %d", got, len(bad))
	}
	n := 0
	for tr, err := range transition.Read(t.Context(), l, eventlog.Query{Subjects: []string{"x"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; (tr.Malformed != nil) != (n > 1 && n < 5) {
			t.Errorf("transition %d: malformed is %v", n, tr.Malformed)
		}
	}
	if n != 5 {
		t.Errorf("%d transitions of x, want 5", n)
	}
}

// Logs move subjects and exchange at random. In the end all replays are the same, nothing is lost,
// and what a move leaves out is filled in by just what the replay says.
func TestReplaysConverge(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 2))
		logs := make([]*eventlog.Log, 3)
		for i := range logs {
			logs[i] = openAt(t, fmt.Sprintf("%s %d %d", t.Name(), seed, i), noon.Add(time.Duration(rng.IntN(3000))*time.Millisecond))
		}
		total := 0
		for range 60 {
			a, b := rng.IntN(len(logs)), rng.IntN(len(logs))
			if rng.IntN(3) == 0 && a != b {
				eventlogtest.Exchange(t, logs[a], logs[b])
				continue
			}
			moves := make([]transition.Move, 1+rng.IntN(3))
			for i := range moves {
				moves[i] = transition.Move{Subject: fmt.Sprint("s", rng.IntN(3)), To: fmt.Sprint(rng.IntN(100))}
			}
			mustAppend(t, logs[a], moves...)
			total += len(moves)
		}
		for range 2 {
			for i := range logs {
				eventlogtest.Exchange(t, logs[i], logs[(i+1)%len(logs)])
			}
		}
		first := states(t, logs[0])
		steps := 0
		for _, s := range replay(t, logs[0]).Subjects() {
			seen := make(map[transition.After]bool)
			for _, step := range s.History {
				if step.Early || !step.After.IsZero() && !seen[step.After] {
					t.Fatalf("seed %d: %s stands before what it names", seed, step.Place())
				}
				seen[step.Place()] = true
			}
			steps += len(seen)
		}
		if steps != total {
			t.Fatalf("seed %d: %d steps of %d moves", seed, steps, total)
		}
		for _, l := range logs[1:] {
			if diff := cmp.Diff(first, states(t, l)); diff != "" {
				t.Fatalf("seed %d: replays differ:\n%s", seed, diff)
			}
		}
		for _, l := range logs {
			for _, s := range replay(t, l).Subjects() {
				last := s.History[len(s.History)-1]
				mustAppend(t, l, transition.Move{Subject: s.Name, To: "end"})
				history := replay(t, l).Subject(s.Name).History
				end := history[len(history)-1]
				if end.From != s.Stage || end.After != last.Place() {
					t.Fatalf("seed %d: filled in from %q after %s, the replay says %q, %s", seed, end.From, end.After, s.Stage, last.Place())
				}
			}
		}
	}
}

// states returns what a replay says of each subject, without what is local.
func states(t *testing.T, l *eventlog.Log) (lines []string) {
	t.Helper()
	for _, s := range replay(t, l).Subjects() {
		lines = append(lines, s.Name+" is "+s.Stage)
		for _, step := range s.History {
			lines = append(lines, fmt.Sprintf("%s %s>%s was %s concurrent %v", step.Place(), step.From, step.To, step.Stage, step.Concurrent))
		}
	}
	return lines
}
