package server_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// daemon stands in for a running node, as far as these calls need one.
type daemon struct{ server.Daemon }

func (daemon) Describe(*api.Status)             {}
func (daemon) Members() []api.Member            { return nil }
func (daemon) Unready() []api.Condition         { return nil }
func (daemon) Dead() []api.Condition            { return nil }
func (daemon) Writing() (leave func(), e error) { return func() {}, nil }

// eachDaemon is each with a daemon.
func eachDaemon(t *testing.T, test func(*testing.T, *eventlog.Log, *client.Client)) {
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			log := eventlogtest.Open(t)
			test(t, log, connect(t, server.New(server.Config{Log: log, Daemon: daemon{}})))
		})
	}
}

func signal(subject string) crdt.Event {
	return crdt.Event{Kind: "signal", Subject: subject, Retention: crdt.Transient}
}

// tailing returns what a tail yields, once the node listens for it.
func tailing(t *testing.T, log *eventlog.Log, c *client.Client, q api.Query) func() (client.Line, error, bool) {
	t.Helper()
	next, stop := iter.Pull2(c.Tail(t.Context(), q))
	t.Cleanup(stop)
	first := make(chan struct{})
	var line client.Line
	var err error
	var ok bool
	go func() { // The call is made by the first step.
		defer close(first)
		line, err, ok = next()
	}()
	for reached := 0; reached == 0; {
		reach, err := log.Broadcast(t.Context(), signal("first"), eventlog.Here)
		if err != nil {
			t.Fatal(err)
		}
		reached = reach.Listeners
	}
	<-first
	if b, is := line.Broadcast(); err != nil || !ok || !is || b.Subject != "first" {
		t.Fatalf("the first line is %s, %v", line, err)
	}
	return next
}

func TestTailHearsTransientEvents(t *testing.T) {
	eachDaemon(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		next := tailing(t, log, c, api.Query{Transient: true, Kinds: []string{"signal", "note"}, Limit: 4})
		expect := func(subject string, transient bool) {
			t.Helper()
			line, err, _ := next()
			if err != nil {
				t.Fatal(err)
			}
			b, is := line.Broadcast()
			e, _, _ := line.Entry()
			if is != transient || is && b.Subject != subject || !is && e.Subject != subject {
				t.Errorf("line %s, want %q", line, subject)
			}
		}
		for _, scope := range []string{api.ToHere, api.ToPeers} {
			reach, err := c.Broadcast(t.Context(), signal(scope), scope)
			if err != nil || reach != (api.Reach{Listeners: 1}) {
				t.Errorf("%+v, %v", reach, err)
			}
			expect(scope, true)
		}
		for _, kind := range []string{"other", "note"} {
			if _, err := log.Append(t.Context(), crdt.Event{Kind: kind, Subject: "stored"}); err != nil {
				t.Fatal(err)
			}
		}
		expect("stored", false)
		if line, err, ok := next(); ok {
			t.Errorf("past the limit: %s, %v", line, err)
		}
	})
}

// A client that is slow is told how many events it has missed, before the next one that it gets: none is
// lost without a word.
func TestSlowTailIsToldWhatItMissed(t *testing.T) {
	eachDaemon(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		next := tailing(t, log, c, api.Query{Transient: true})
		const many = 900
		for i := range many {
			e := signal(fmt.Sprint(i))
			e.Payload = []byte(`"` + strings.Repeat("x", 2000) + `"`)
			if reach, err := log.Broadcast(t.Context(), e, eventlog.Here); err != nil || reach.Listeners != 1 {
				t.Fatal(reach, err)
			}
		}
		heard, missed := uint64(0), uint64(0)
		for subject := ""; subject != fmt.Sprint(many-1); {
			line, err, _ := next()
			if err != nil {
				t.Fatal(err)
			}
			if n, ok := line.Missed(); ok {
				missed += n
				continue
			}
			b, _ := line.Broadcast()
			subject = b.Subject
			if heard++; subject != fmt.Sprint(heard+missed-1) {
				t.Fatalf("%s is heard after %d heard and %d missed", subject, heard-1, missed)
			}
		}
		if heard+missed != many || missed == 0 {
			t.Errorf("%d heard, %d missed of %d", heard, missed, many)
		}
	})
}

// The end of the log ends a tail that listens, too.
func TestTailThatListensEndsWithTheLog(t *testing.T) {
	eachDaemon(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		next := tailing(t, log, c, api.Query{Transient: true})
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		_, err, _ := next()
		if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.Stopping {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestBroadcastRefuses(t *testing.T) {
	code := func(err error) api.Code {
		refusal, _ := errors.AsType[*api.Error](err)
		if refusal == nil {
			return ""
		}
		return refusal.Code
	}
	first := func(c *client.Client, q api.Query) error {
		for _, err := range c.Tail(t.Context(), q) {
			return err
		}
		return nil
	}
	eachDaemon(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		stored, reserved, empty := signal("a"), signal("a"), signal("a")
		stored.Retention, reserved.Kind, empty.Kind = crdt.Trimmable, "quipu.gap", ""
		for about, tt := range map[string]struct {
			err  error
			code api.Code
		}{
			"an event that is stored": {errOf(c.Broadcast(t.Context(), stored, "")), api.Invalid},
			"a reserved kind":         {errOf(c.Broadcast(t.Context(), reserved, "")), api.Reserved},
			"no kind":                 {errOf(c.Broadcast(t.Context(), empty, "")), api.Invalid},
			"an unknown scope":        {errOf(c.Broadcast(t.Context(), signal("a"), "far")), api.Invalid},
			"causal order":            {first(c, api.Query{Transient: true, Order: "causal"}), api.Invalid},
			"disputed alone":          {first(c, api.Query{Transient: true, Disputed: "only"}), api.Invalid},
		} {
			if got := code(tt.err); got != tt.code {
				t.Errorf("%s: %v, want code %s", about, tt.err, tt.code)
			}
		}
		for _, err := range c.Entries(t.Context(), api.Query{Transient: true}) {
			if code(err) != api.Invalid {
				t.Errorf("a reading of the log: %v", err)
			}
		}
		lines := `{"kind":"a"}` + "\n" + `{"kind":"b","retention":"transient"}` + "\n"
		var places, refused int
		for _, err := range c.Append(t.Context(), strings.NewReader(lines)) {
			if err == nil {
				places++
			} else if refusal, ok := errors.AsType[*api.Error](err); ok && refusal.Line == 2 && strings.Contains(refusal.Message, "append --retention transient") {
				refused++
			}
		}
		if places != 1 || refused != 1 || log.Stats().Entries != 1 {
			t.Errorf("%d places, %d refusals, %d entries", places, refused, log.Stats().Entries)
		}
	})
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		if _, err := c.Broadcast(t.Context(), signal("a"), ""); code(err) != api.NotRunning {
			t.Errorf("without a daemon: %v", err)
		}
		if err := first(c, api.Query{Transient: true}); code(err) != api.NotRunning {
			t.Errorf("a tail without a daemon: %v", err)
		}
	})
}

func errOf(_ api.Reach, err error) error { return err }
