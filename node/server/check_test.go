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
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

func doorMachine() machine.Machine {
	return machine.Machine{
		States: []machine.State{{Name: "open"}, {Name: "shut"}}, Initial: []string{"open"},
		Moves: []machine.Move{{From: "open", To: "shut"}, {From: "shut", To: "open"}},
	}
}

// A machine may be given as the file that people write; what is wrong with that is said by its line.
func TestCheckAgainstAFile(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		if _, err := transition.Append(t.Context(), log, transition.Move{Subject: "door", To: "locked"}); err != nil {
			t.Fatal(err)
		}
		file := "states: [open, shut]\ninitial: open\nmoves:\n  - {from: open, to: shut}\n  - {from: shut, to: open}\n"
		want := doorMachine()
		report, err := c.CheckTransitions(t.Context(), api.CheckRequest{MachineFile: file})
		if err != nil || report.Odd != 1 || report.Machine == nil || !cmp.Equal(*report.Machine, want) {
			t.Errorf("%+v, %v", report, err)
		}
		for text, in := range map[string]api.CheckRequest{
			"machineFile: line 2: ":                      {MachineFile: strings.Replace(file, "open\nmoves", "ajar\nmoves", 1)},
			"machine and machineFile exclude each other": {MachineFile: file, Machine: want},
		} {
			_, err := c.CheckTransitions(t.Context(), in)
			if told, ok := errors.AsType[*api.Error](err); !ok || told.Code != api.Invalid || !strings.Contains(told.Message, text) {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

func TestCheckAndStatesAtAMoment(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
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
		if err != nil || report.Odd != 1 || report.Findings[0].Class != string(transition.UnknownState) || report.Findings[0].Transition.To != "locked" {
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
		``:                              "request body is required",
		`[]`:                            "read request",
		`{"machin":{}}`:                 `unknown field \"machin\": did you mean \"machine\"? (the fields are machine, machineFile, subjects, at, maxFindings)`,
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
