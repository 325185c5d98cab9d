package transition_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// proposals is a machine for the tests.
func proposals() machine.Machine {
	return machine.Machine{
		States: []machine.State{
			{Name: "draft"}, {Name: "accepted", Aliases: []string{"acepted"}}, {Name: "final"}, {Name: "withdrawn"},
		},
		Moves: []machine.Move{
			{From: "draft", To: "accepted", Triggers: []string{"vote"}}, {From: "accepted", To: "final"},
			{From: machine.Any, To: "withdrawn"},
		},
		Initial:  []string{"draft"},
		Terminal: []string{"final", "withdrawn"},
	}
}

func check(t *testing.T, l *eventlog.Log, cfg transition.CheckConfig) *transition.Report {
	t.Helper()
	r, err := transition.CheckLog(t.Context(), l, proposals(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines returns the findings of a report, with the names of authors instead of their keys.
func lines(r *transition.Report, logs map[string]*eventlog.Log) []string {
	var out []string
	for _, f := range r.Findings {
		line := fmt.Sprintf("%s %s/%d %s: %s", f.Transition.Subject, f.Transition.Entry.Author.Short(), f.Transition.Entry.Seq, f.Class, f.Why)
		if f.Expected != "" {
			line += "; expected " + f.Expected
		}
		for name, l := range logs {
			line = strings.ReplaceAll(line, l.Author().String(), name)
			line = strings.ReplaceAll(line, l.Author().Short(), name)
		}
		for _, o := range f.Others {
			line = strings.ReplaceAll(line, "@"+o.Op.Branch().String(), "")
		}
		out = append(out, line)
	}
	return out
}

// Each move of one writer is held against the machine.
func TestCheckHoldsMovesAgainstTheMachine(t *testing.T) {
	l := eventlogtest.Open(t)
	from := func(s string) *string { return &s }
	for _, m := range []transition.Move{
		{Subject: "a sound", To: "draft"}, {Subject: "a sound", To: "accepted", Trigger: "vote"}, {Subject: "a sound", To: "final"},
		{Subject: "begins late", To: "final"},
		{Subject: "goes on", To: "draft"}, {Subject: "goes on", To: "withdrawn"}, {Subject: "goes on", To: "draft"},
		{Subject: "jumps", To: "draft"}, {Subject: "jumps", To: "final"},
		{Subject: "by alias", To: "draft"}, {Subject: "by alias", To: "acepted", Trigger: "vote"}, {Subject: "by alias", To: "accepted"}, {Subject: "by alias", To: "final"},
		{Subject: "other word", To: "draft"}, {Subject: "other word", From: from("accepted"), To: "final"},
		{Subject: "trigger", To: "draft"}, {Subject: "trigger", To: "accepted", Trigger: "whim"},
		{Subject: "unknown", To: "draft"}, {Subject: "unknown", To: "witdrawn"}, {Subject: "unknown", To: "April"},
	} {
		mustAppend(t, l, m)
	}
	r := check(t, l, transition.CheckConfig{})
	want := []string{
		`begins late me/3 bad-beginning: it begins in "final"; expected "draft"`,
		`goes on me/6 after-end: "withdrawn" is terminal, and it moves on to "draft"; expected no move`,
		`jumps me/8 illegal: no move leads from "draft" to "final"; expected "accepted", "withdrawn"`,
		`other word me/14 does-not-follow: it moves from "accepted", and the subject was in "draft" as far as its writer knew; expected "draft"`,
		`trigger me/16 wrong-trigger: it is moved from "draft" to "accepted" by "whim"; expected "vote"`,
		`unknown me/18 unknown-state: "witdrawn" is no state; expected perhaps "withdrawn"`,
		`unknown me/19 unknown-state: "witdrawn" is no state; expected perhaps "withdrawn"`,
		`unknown me/19 unknown-state: "April" is no state; expected one of the states`,
	}
	if diff := cmp.Diff(want, lines(r, map[string]*eventlog.Log{"me": l})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if r.Subjects != 8 || r.Transitions != 20 || r.Sound != 13 || r.Odd != 7 || r.Respelt != 1 || r.Aliased != 2 || r.More != 0 || r.Frontier != l.Frontier().Hash() {
		t.Errorf("%+v", r)
	}
	moves := r.Respelt
	for _, e := range r.Edges {
		moves += e.Count
	}
	if moves != r.Transitions || r.Edges[0] != (machine.Edge{To: "draft", Count: 7}) {
		t.Errorf("edges %+v", r.Edges)
	}
}

// Ann and Bob move a draft without knowing of each other. The state is contested until somebody goes on
// from the one that counts.
//
//	ann   draft ─┬─ accepted
//	bob          └─ withdrawn ── final
func TestConcurrentMovesByDifferentAuthorsAreNamed(t *testing.T) {
	a, b := openAt(t, "ann", noon), openAt(t, "bob", noon.Add(time.Second))
	logs := map[string]*eventlog.Log{"ann": a, "bob": b}
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	mustAppend(t, a, transition.Move{Subject: "x", To: "accepted", Trigger: "vote"})
	mustAppend(t, b, transition.Move{Subject: "x", To: "withdrawn"})
	eventlogtest.Exchange(t, a, b)
	eventlogtest.Exchange(t, b, a)
	for _, l := range logs {
		r := check(t, l, transition.CheckConfig{})
		want := []string{"x bob/0 concurrent: its writer had not seen ann/1"}
		if diff := cmp.Diff(want, lines(r, logs)); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		if len(r.Contested) != 1 || r.Contested[0].Stage != "withdrawn" || r.Contested[0].Open[0].Stage != "accepted" || r.Contested[0].Open[1].Stage != "withdrawn" {
			t.Errorf("contested: %+v", r.Contested)
		}
	}
	mustAppend(t, b, transition.Move{Subject: "x", To: "final"})
	eventlogtest.Exchange(t, b, a)
	for _, l := range logs {
		r := check(t, l, transition.CheckConfig{})
		if len(r.Contested) != 0 || r.Counts[transition.Concurrent] != 1 || r.Counts[transition.AfterEnd] != 1 {
			t.Errorf("after it was settled: %+v", r)
		}
	}
}

// What goes on from a move that somebody else has moved beside leaves both stages open.
//
//	ann   draft ─┬─ accepted ───────── final
//	bob          └─ withdrawn
func TestAContestEndsOnlyInKnowledgeOfTheLastMove(t *testing.T) {
	annsNow := noon
	a := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("ann"), Now: func() time.Time { return annsNow }})
	b := openAt(t, "bob", noon.Add(time.Second))
	mustAppend(t, a, transition.Move{Subject: "x", To: "draft"})
	eventlogtest.Exchange(t, a, b)
	mustAppend(t, a, transition.Move{Subject: "x", To: "accepted", Trigger: "vote"})
	mustAppend(t, b, transition.Move{Subject: "x", To: "withdrawn"})
	annsNow = noon.Add(2 * time.Second)
	mustAppend(t, a, transition.Move{Subject: "x", To: "final"})
	eventlogtest.Exchange(t, a, b)
	r := check(t, b, transition.CheckConfig{})
	if len(r.Contested) != 1 || r.Contested[0].Stage != "final" || r.Contested[0].Open[0].Stage != "withdrawn" {
		t.Errorf("contested: %+v", r.Contested)
	}
	if got := r.Counts[transition.Concurrent]; got != 2 {
		t.Errorf("%d findings of concurrency: %+v", got, r.Findings)
	}
	if r.Counts[transition.DoesNotFollow] != 0 {
		t.Errorf("what follows what its writer knew is said not to follow: %+v", r.Findings)
	}
}

// Two moves of one author beside each other are a fork, not a concurrency.
func TestConcurrentMovesOfOneAuthorAreAFork(t *testing.T) {
	l := eventlogtest.Open(t)
	places := mustAppend(t, l, transition.Move{Subject: "x", To: "draft"})
	first, err := l.Lookup(t.Context(), places[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"accepted", "withdrawn"} {
		payload := fmt.Sprintf(`{"from":"draft","to":"%s","trigger":"vote","after":{"author":"%s","seq":0,"op":"%s"}}`, to, l.Author(), first.Op)
		if _, err := transition.AppendEvents(t.Context(), l, crdt.Event{Kind: transition.Kind, Subject: "x", Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
	}
	r := check(t, l, transition.CheckConfig{})
	if r.Counts[transition.Forked] != 1 || r.Counts[transition.Concurrent] != 0 || len(r.Contested) != 1 {
		t.Errorf("%+v", r)
	}
}

// Each of many findings is counted, and the first of them are listed whatever the order of their discovery.
func TestFindingsPastTheBoundAreCounted(t *testing.T) {
	l := eventlogtest.Open(t)
	var moves []transition.Move
	for i := range 50 {
		moves = append(moves, transition.Move{Subject: fmt.Sprintf("%02d", (i*37)%50), To: "final"})
	}
	mustAppend(t, l, moves...)
	all := check(t, l, transition.CheckConfig{}).Findings
	for _, most := range []int{1, 7, 49, 50, 51} {
		r := check(t, l, transition.CheckConfig{MaxFindings: most})
		if len(r.Findings) != min(most, 50) || r.More != uint64(50-len(r.Findings)) || r.Counts[transition.BadBeginning] != 50 {
			t.Errorf("most %d: %d findings, %d more", most, len(r.Findings), r.More)
		}
		for i := range r.Findings {
			if r.Findings[i].Transition.Subject != all[i].Transition.Subject {
				t.Errorf("most %d: finding %d is of %s, want %s", most, i, r.Findings[i].Transition.Subject, all[i].Transition.Subject)
			}
		}
	}
}

func TestCheckRefusesAMachineThatMakesNoSense(t *testing.T) {
	l := eventlogtest.Open(t)
	m := proposals()
	m.Moves[0].To = "acceptd"
	_, err := transition.CheckLog(t.Context(), l, m, transition.CheckConfig{})
	if !errors.Is(err, machine.ErrInvalid) || !strings.Contains(err.Error(), `did you mean "accepted"?`) {
		t.Error(err)
	}
}

// System A: the list of transitions dropped those it could not read and said nothing. Here each is
// counted and listed with the reason, and moves nothing.
func TestMalformedEntriesAreReportedNotDropped(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "x", To: "draft"})
	if err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		for _, payload := range []string{`{"to":""}`, "\x00\xff", "", `{"to":1}`} {
			if _, err := tx.AppendReserved(crdt.Event{Kind: transition.Kind, Subject: "x", ContentType: "a/b", Payload: []byte(payload)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, transition.Move{Subject: "x", To: "withdrawn"})
	r := check(t, l, transition.CheckConfig{})
	if r.Transitions != 6 || r.Odd != 4 || r.Counts[transition.Malformed] != 4 || len(r.Findings) != 4 {
		t.Errorf("%+v", r)
	}
	for i, f := range r.Findings {
		if f.Class != transition.Malformed || f.Transition.Entry.Seq != uint64(i+1) || f.Why == "" {
			t.Errorf("finding %d: %+v", i, f)
		}
	}
}

// System A: a time that could not be read became 1970. Here an event time is kept as its writer gave it,
// and no state is derived from it unless it is asked for.
func TestBadTimesStayTheWritersWord(t *testing.T) {
	l := eventlogtest.Open(t)
	times := []time.Time{
		time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC), time.Date(2250, 1, 1, 0, 0, 0, 1, time.UTC), time.Unix(0, 0).UTC(),
	}
	for i, at := range times {
		mustAppend(t, l, transition.Move{Subject: fmt.Sprint(i), To: "draft", Time: at}, transition.Move{Subject: fmt.Sprint(i), To: "withdrawn", Time: at.Add(-time.Hour)})
	}
	var got []time.Time
	for s, err := range transition.States(t.Context(), l, transition.Bounds{}) {
		if err != nil || s.Stage != "withdrawn" {
			t.Fatalf("%+v, %v", s, err)
		}
		got = append(got, s.Time.Add(time.Hour).UTC())
	}
	if diff := cmp.Diff(times, got); diff != "" {
		t.Error(diff)
	}
	if r := check(t, l, transition.CheckConfig{}); r.Odd != 0 {
		t.Errorf("%+v", r.Findings)
	}
}
