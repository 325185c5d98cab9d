package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// heard returns the next n subjects that are heard, each after "n missed" where some were.
func heard(t *testing.T, next func() (eventlog.Heard, error, bool), n int) (all []string) {
	t.Helper()
	for range n {
		h, err, ok := next()
		if err != nil || !ok {
			t.Fatalf("after %v: %v", all, err)
		}
		if h.Missed > 0 {
			all = append(all, fmt.Sprintf("%d missed", h.Missed))
		}
		all = append(all, h.Subject)
	}
	return all
}

// system B: receivers that lag lose events. Here the loss of one that is too slow is bounded, counted and
// told to it, in the place where it is.
func TestLaggingReceiverIsToldWhatItMissed(t *testing.T) {
	l := eventlogtest.Open(t)
	listen := func(cfg eventlog.ListenConfig) func() (eventlog.Heard, error, bool) {
		next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, cfg))
		t.Cleanup(stop)
		return next
	}
	slow, fast := listen(eventlog.ListenConfig{MaxEvents: 3}), listen(eventlog.ListenConfig{})
	small := listen(eventlog.ListenConfig{MaxBytes: 1})
	for i := range 5 {
		if got := mustBroadcast(t, l, fmt.Sprint(i)); got.Listeners != 3 {
			t.Errorf("told %+v: a slow listener holds nobody up, and hears the newest", got)
		}
	}
	if diff := cmp.Diff([]string{"2 missed", "2"}, heard(t, slow, 1)); diff != "" {
		t.Error(diff)
	}
	mustBroadcast(t, l, "5")
	mustBroadcast(t, l, "6")
	if diff := cmp.Diff([]string{"1 missed", "4", "5", "6"}, heard(t, slow, 3)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5", "6"}, heard(t, fast, 7)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"6 missed", "6"}, heard(t, small, 1)); diff != "" {
		t.Error(diff)
	}
}

func TestListenFilters(t *testing.T) {
	l, other := eventlogtest.OpenAs(t, "a"), eventlogtest.OpenAs(t, "b")
	defer other.Relay(func(b crdt.Broadcast) int {
		if err := l.Hear(b); err != nil {
			t.Error(err)
		}
		return 1
	})()
	say := func(from *eventlog.Log, kind, module, subject string) {
		t.Helper()
		e := crdt.Event{Kind: kind, Module: module, Subject: subject, Retention: crdt.Transient}
		if _, err := from.Broadcast(t.Context(), e, eventlog.Peers); err != nil {
			t.Fatal(err)
		}
	}
	queries := map[string]eventlog.Query{
		"1 2 3 4": {Limit: 4},
		"1 3":     {Kinds: []string{"x"}, Limit: 2},
		"2":       {Modules: []string{"m"}, Limit: 1},
		"4":       {Subjects: []string{"4", "7"}, Limit: 1},
		"3 4":     {Authors: []crdt.Author{other.Author()}, Limit: 2},
	}
	loops := make(map[string]iter.Seq2[eventlog.Heard, error])
	for want, q := range queries {
		loops[want] = l.Listen(t.Context(), q, eventlog.ListenConfig{})
	}
	say(l, "x", "", "1")
	say(l, "y", "m", "2")
	say(other, "x", "", "3")
	say(other, "z", "", "4")
	for want, loop := range loops {
		var got []string
		for h, err := range loop {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, h.Subject)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
		for _, err := range loop {
			if err == nil {
				t.Error("a loop that was left goes on")
			}
		}
	}
}

func TestListenRefuses(t *testing.T) {
	l := eventlogtest.Open(t)
	for about, tt := range map[string]struct {
		q   eventlog.Query
		cfg eventlog.ListenConfig
		is  error
	}{
		"order":    {q: eventlog.Query{Order: eventlog.Arrival}, is: eventlog.ErrQuery},
		"offset":   {q: eventlog.Query{FromOffset: 1}, is: eventlog.ErrQuery},
		"reverse":  {q: eventlog.Query{Reverse: true}, is: eventlog.ErrQuery},
		"page":     {q: eventlog.Query{Page: "p"}, is: eventlog.ErrQuery},
		"place":    {q: eventlog.Query{From: new(crdt.Place)}, is: eventlog.ErrQuery},
		"disputed": {q: eventlog.Query{Disputed: eventlog.OnlyDisputed}, is: eventlog.ErrQuery},
		"limit":    {q: eventlog.Query{Limit: -1}, is: eventlog.ErrQuery},
		"bounds":   {cfg: eventlog.ListenConfig{MaxEvents: -1}},
	} {
		n := 0
		for _, err := range l.Listen(t.Context(), tt.q, tt.cfg) {
			if n++; err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%s: %v", about, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d items", about, n)
		}
	}
}

// Those who may listen are bounded, and each that ends makes room.
func TestListenersAreBounded(t *testing.T) {
	l := eventlogtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	tooMany := func() error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		next, stop := iter.Pull2(l.Listen(ctx, eventlog.Query{}, eventlog.ListenConfig{}))
		defer stop()
		cancel()
		_, err, _ := next()
		return err
	}
	for range 1024 {
		l.Listen(ctx, eventlog.Query{}, eventlog.ListenConfig{})
	}
	if err := tooMany(); !errors.Is(err, eventlog.ErrListeners) {
		t.Errorf("one more than are let in: %v", err)
	}
	if got := mustBroadcast(t, l, "a"); got.Listeners != 1024 {
		t.Errorf("told %+v", got)
	}
	cancel()
	for mustBroadcast(t, l, "b").Listeners > 0 { // they leave in goroutines of the context's own
	}
	if err := tooMany(); !errors.Is(err, context.Canceled) {
		t.Errorf("after the others have left: %v", err)
	}
}

func TestListenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Create(t, t.TempDir(), config("a"))
		ctx, cancel := context.WithCancel(t.Context())
		var byContext, byClose error
		done := make(chan struct{}, 2)
		listen := func(ctx context.Context, into *error) {
			for _, err := range l.Listen(ctx, eventlog.Query{}, eventlog.ListenConfig{}) {
				*into = err
			}
			done <- struct{}{}
		}
		go listen(ctx, &byContext)
		go listen(t.Context(), &byClose)
		synctest.Wait()
		cancel()
		<-done
		if byContext != context.Canceled {
			t.Errorf("ended with %v", byContext)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		if byClose != eventlog.ErrClosed {
			t.Errorf("ended with %v", byClose)
		}
		if _, err := l.Broadcast(t.Context(), signal("a"), eventlog.Here); err == nil || !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("broadcast of a closed log: %v", err)
		}
		for _, err := range l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}) {
			if !errors.Is(err, eventlog.ErrClosed) {
				t.Errorf("listening to a closed log: %v", err)
			}
		}
	})
}

// BenchmarkBroadcast tells an event of 100 bytes to one listener, and to a hundred.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := eventlogtest.Open(b)
			for range n {
				l.Listen(b.Context(), eventlog.Query{}, eventlog.ListenConfig{})
			}
			e := signal("s")
			e.Payload = []byte(`"` + strings.Repeat("x", 100) + `"`)
			for b.Loop() {
				if _, err := l.Broadcast(b.Context(), e, eventlog.Here); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
