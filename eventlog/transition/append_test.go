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
)

// mustAppend appends moves.
func mustAppend(t *testing.T, l *eventlog.Log, moves ...transition.Move) []crdt.Place {
	t.Helper()
	places, err := transition.Append(t.Context(), l, moves...)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// replay replays the log.
func replay(t *testing.T, l *eventlog.Log) *transition.Replay {
	t.Helper()
	r, err := transition.ReplayLog(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// history returns the history of a subject as lines.
func history(t *testing.T, l *eventlog.Log, subject string) (lines []string) {
	t.Helper()
	for _, step := range replay(t, l).Subject(subject).History {
		line := fmt.Sprintf("%s>%s", step.From, step.To)
		if !step.Follows() {
			line += " was " + step.Stage
		}
		if len(step.Concurrent) > 0 {
			line += fmt.Sprintf(" concurrent %d", len(step.Concurrent))
		}
		if step.Early {
			line += " early"
		}
		lines = append(lines, line)
	}
	return lines
}

func wantHistory(t *testing.T, l *eventlog.Log, subject string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, history(t, l, subject)); diff != "" {
		t.Errorf("history of %s (-want +got):\n%s", subject, diff)
	}
}

// wantChain checks that each step names the one before it.
func wantChain(t *testing.T, l *eventlog.Log, subject string) {
	t.Helper()
	var before transition.After
	for i, step := range replay(t, l).Subject(subject).History {
		if step.After != before {
			t.Errorf("step %d of %s names %s, not %s", i, subject, step.After, before)
		}
		before = step.Place()
	}
}

func TestAppendFillsInFromAndAfter(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "a", To: "draft"})
	mustAppend(t, l, transition.Move{Subject: "a", To: "active", Trigger: "vote"})
	mustAppend(t, l, transition.Move{Subject: "b", To: "draft"})
	mustAppend(t, l, transition.Move{Subject: "a", To: "final"})
	wantHistory(t, l, "a", ">draft", "draft>active", "active>final")
	wantHistory(t, l, "b", ">draft")
	wantChain(t, l, "a")
	if s := replay(t, l).Subject("a"); s.Stage != "final" || s.History[1].Trigger != "vote" {
		t.Errorf("%+v", s)
	}
}

func TestMovesOfOneBatchNameEachOther(t *testing.T) {
	l := eventlogtest.Open(t)
	for range 2 {
		places := mustAppend(t, l,
			transition.Move{Subject: "a", To: "1"}, transition.Move{Subject: "b", To: "1"},
			transition.Move{Subject: "a", To: "2"}, transition.Move{Subject: "c", To: "1"},
			transition.Move{Subject: "a", To: "3"}, transition.Move{Subject: "b", To: "2"})
		for i, p := range places[1:] {
			if p.Seq != places[i].Seq+1 {
				t.Errorf("%s follows %s", p, places[i])
			}
		}
	}
	wantHistory(t, l, "a", ">1", "1>2", "2>3", "3>1", "1>2", "2>3")
	wantHistory(t, l, "b", ">1", "1>2", "2>1", "1>2")
	for _, subject := range []string{"a", "b", "c"} {
		wantChain(t, l, subject)
	}
}

func TestAppendEventTxInAnUpdate(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "a", To: "1"})
	update := func(fail error) error {
		return l.Update(t.Context(), func(tx *eventlog.Tx) error {
			for _, to := range []string{"2", "3"} {
				if _, err := tx.Append(crdt.Event{Kind: "beside"}); err != nil {
					return err
				}
				e, err := transition.Move{Subject: "a", To: to}.Event()
				if err != nil {
					return err
				}
				if _, err := transition.AppendEventTx(tx, e); err != nil {
					return err
				}
			}
			return fail
		})
	}
	failed := errors.New("failed")
	if err := update(failed); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	wantHistory(t, l, "a", ">1") // nothing of it is kept, in the projection neither
	for range 2 {
		if err := update(nil); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, l, transition.Move{Subject: "a", To: "4"})
	wantHistory(t, l, "a", ">1", "1>2", "2>3", "3>2", "2>3", "3>4")
	wantChain(t, l, "a")
}

func TestFromThatIsNotTheStageIsTheWritersWord(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "a", To: "draft"})
	mustAppend(t, l, transition.Move{Subject: "a", From: new("active"), To: "final"})
	mustAppend(t, l, transition.Move{Subject: "a", From: new(""), To: "draft"})
	wantHistory(t, l, "a", ">draft", "active>final was draft", ">draft was final")
	wantChain(t, l, "a")
}

func TestAppendEventsKeepsWhatIsWhole(t *testing.T) {
	l := eventlogtest.Open(t)
	author := crdt.AuthorOf(eventlogtest.Key("somebody"))
	// White space and order are the caller's, and after names what is not here.
	text := `{ "after": {"op":"` + strings.Repeat("1", 64) + `", "seq":3, "author":"` + author.String() + `"}, "to":"final", "from":"draft" }`
	at := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
	event := crdt.Event{
		Kind: transition.Kind, Subject: "a", Module: "m", Time: at, Payload: []byte(text),
		Headers: []crdt.EventHeader{{Name: "commit", Value: "0123"}}, ContentType: "application/json",
	}
	places, err := transition.AppendEvents(t.Context(), l, event)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Lookup(t.Context(), places[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event, e.Event); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantHistory(t, l, "a", "draft>final was  early")
}

func TestCheckRefusesWhatIsNoTransition(t *testing.T) {
	l := eventlogtest.Open(t)
	good := crdt.Event{Kind: transition.Kind, Subject: "a", Payload: []byte(`{"to":"b"}`)}
	if err := transition.Check(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(e *crdt.Event){
		"kind":         func(e *crdt.Event) { e.Kind = "other" },
		"subject":      func(e *crdt.Event) { e.Subject = "" },
		"content type": func(e *crdt.Event) { e.ContentType = "text/plain" },
		"payload":      func(e *crdt.Event) { e.Payload = []byte(`{"too":"b"}`) },
		"no payload":   func(e *crdt.Event) { e.Payload = nil },
	} {
		e := good
		change(&e)
		if err := transition.Check(e); !errors.Is(err, transition.ErrInvalid) {
			t.Errorf("%s: check says %v", name, err)
		}
		if _, err := transition.AppendEvents(t.Context(), l, good, e); !errors.Is(err, transition.ErrInvalid) {
			t.Errorf("%s: append says %v", name, err)
		}
	}
	for name, m := range map[string]transition.Move{
		"subject": {To: "b"}, "to": {Subject: "a"}, "stage": {Subject: "a", To: strings.Repeat("b", 256)}, "utf-8": {Subject: "a", To: "\xff"},
	} {
		if _, err := transition.Append(t.Context(), l, m); !errors.Is(err, transition.ErrInvalid) {
			t.Errorf("%s: append says %v", name, err)
		}
	}
	if l.Stats().Entries != 0 {
		t.Error("something was appended all the same")
	}
}

func TestLongLogIsCaughtUpWithInPieces(t *testing.T) {
	l := eventlogtest.Open(t)
	mustAppend(t, l, transition.Move{Subject: "a", To: "1"})
	batch := make([]crdt.Event, 10_000)
	for i := range batch {
		batch[i] = crdt.Event{Kind: "other"}
	}
	for range 4 {
		if _, err := l.AppendBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, l, transition.Move{Subject: "a", To: "2"})
	wantHistory(t, l, "a", ">1", "1>2")
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		if at, found := tx.Cursor(transition.Kind); !found || at != 40_001 {
			t.Errorf("the projection reaches %d", at)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
