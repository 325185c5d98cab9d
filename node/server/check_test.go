package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

func doorMachine() machine.Machine {
	return machine.Machine{
		States: []machine.State{{Name: "open"}, {Name: "shut"}}, Initial: []string{"open"},
		Moves: []machine.Move{{From: "open", To: "shut"}, {From: "shut", To: "open"}},
	}
}

func TestCheckAndStatesAtAMoment(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *api.Client) {
		move := func(to string) {
			if _, err := transition.Append(t.Context(), log, transition.Move{Subject: "door", To: to}); err != nil {
				t.Fatal(err)
			}
		}
		move("open")
		then, err := c.Frontier(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		move("locked")
		report, err := c.CheckTransitions(t.Context(), api.CheckRequest{Machine: doorMachine()})
		if err != nil || report.Odd != 1 || report.Findings[0].Class != transition.UnknownState || report.Findings[0].Transition.To != "locked" {
			t.Fatalf("%+v, %v", report, err)
		}
		report, err = c.CheckTransitions(t.Context(), api.CheckRequest{Machine: doorMachine(), At: api.Moment{Frontier: &then}})
		if err != nil || report.Odd != 0 || report.Transitions != 1 || report.Frontier != then.Hash {
			t.Fatalf("%+v, %v", report, err)
		}
		for want, at := range map[string]api.Moment{
			"locked": {}, "open": {Frontier: &then}, "": {Clock: age.Time{Time: time.Unix(0, 0)}}, " ": {Event: age.Time{Time: time.Unix(0, 0)}},
		} {
			var got []string
			for s, err := range c.States(t.Context(), api.StateQuery{Subjects: []string{"door"}, At: at}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, s.Stage)
			}
			if diff := cmp.Diff(strings.Fields(want), got, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Errorf("%+v:\n%s", at, diff)
			}
		}
		ahead := api.FrontierOf(crdt.Frontier{log.Author(): {{Next: 9, ID: crdt.OpID{9}}}})
		_, err = c.CheckTransitions(t.Context(), api.CheckRequest{Machine: doorMachine(), At: api.Moment{Frontier: &ahead}})
		if !errors.Is(err, api.ErrNotFound) || !strings.Contains(err.Error(), "before seq 9") {
			t.Errorf("a frontier that is ahead: %v", err)
		}
		then.Authors[0].Heads[0].Next++
		for _, err := range c.States(t.Context(), api.StateQuery{At: api.Moment{Frontier: &then}}) {
			if told, ok := errors.AsType[*api.Error](err); !ok || told.Code != api.Invalid {
				t.Errorf("a frontier that was changed: %v", err)
			}
		}
	})
}

func TestCheckRefusesRequestsThatMakeNoSense(t *testing.T) {
	h := server.New(server.Config{Log: eventlogtest.Open(t)})
	for body, want := range map[string]string{
		``:                              "read request",
		`[]`:                            "read request",
		`{"machin":{}}`:                 `unknown field \"machin\": did you mean \"machine\"? (the fields are machine, subjects, at, maxFindings)`,
		`{"at":{"time":1}}`:             `field \"at\": unknown field \"time\": the fields are clock, event, frontier`,
		`{"maxFindings":"7"}`:           `field \"maxFindings\": expected a whole number, got a JSON string`,
		"\xff\xfe{\x00}\x00":            "it is in UTF-16LE: expected UTF-8",
		`{"machine":{"states":[]}}`:     "there are none: expected at least one",
		`{"maxFindings":-1}`:            "maxFindings -1: expected 0 to 100000",
		`{"machine":{}} {}`:             "more follows",
		strings.Repeat(`[`, 1_000_000):  "read request",
		`{"machine":{"states":[{}]}}`:   `the name \"\" is empty`,
		`{"at":{"clock":"yesterday"}}`:  "read request",
		`{"at":{"frontier":{"hash":1}}`: "read request",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/transitions/check", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.40q: status %d, %.200s", body, w.Code, w.Body)
		}
	}
}

// TestAGuardedMoveNeedsAMachineThatIsRead: the first line is read as every request is.
func TestAGuardedMoveNeedsAMachineThatIsRead(t *testing.T) {
	h := server.New(server.Config{Log: eventlogtest.Open(t)})
	for line, want := range map[string]string{
		``:                         "read the machine of the first line",
		`{"state":[]}`:             `unknown field \"state\": did you mean \"states\"?`,
		`{"states":[]} {}`:         "more follows the JSON value",
		"\xff\xfe{\x00}\x00":       "it is in UTF-16LE: expected UTF-8",
		"\ufeff" + `{"states":[]}`: "there are none: expected at least one",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/transitions/guarded", strings.NewReader(line+"\n{}\n")))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.40q: status %d, %.300s", line, w.Code, w.Body)
		}
	}
}
