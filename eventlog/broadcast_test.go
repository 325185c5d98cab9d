package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// signal returns a transient event.
func signal(subject string) crdt.Event {
	return crdt.Event{Kind: "signal", Subject: subject, Retention: crdt.Transient}
}

// mustBroadcast broadcasts the signal with a subject here.
func mustBroadcast(t *testing.T, l *eventlog.Log, subject string) eventlog.Reach {
	t.Helper()
	reach, err := l.Broadcast(t.Context(), signal(subject), eventlog.Here)
	if err != nil {
		t.Fatal(err)
	}
	return reach
}

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

func TestBroadcastIsHeardAndStoredNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlogtest.Open(t)
		mustAppend(t, l, "stored")
		if got := mustBroadcast(t, l, "nobody"); got != (eventlog.Reach{}) {
			t.Errorf("told %+v, though nobody listens", got)
		}
		next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}))
		defer stop()
		began := time.Now()
		if got := mustBroadcast(t, l, "one"); got != (eventlog.Reach{Listeners: 1}) {
			t.Errorf("told %+v", got)
		}
		mustBroadcast(t, l, "two")
		h, err, _ := next()
		if err != nil || h.Subject != "one" || h.Author != l.Author() || h.Log != l.ID() || h.Retention != crdt.Transient || h.Verify() != nil {
			t.Errorf("heard %+v, %v", h, err)
		}
		if !h.Time.Equal(began) || !h.Clock.Time().Equal(began) {
			t.Errorf("time %v, clock %v of what was broadcast at %v", h.Time, h.Clock, began)
		}
		second, _, _ := next()
		if second.Subject != "two" || second.Clock <= h.Clock || second.Nonce == h.Nonce || second.ID == h.ID {
			t.Errorf("%+v follows %+v", second, h)
		}
		wantTexts(t, l, "stored")
		if s := l.Stats(); s.Entries != 1 || s.Next != 1 {
			t.Errorf("%d entries, next %d", s.Entries, s.Next)
		}
	})
}

// SEEDS B: receivers that lag lose events. Here the loss of one that is too slow is bounded, counted and
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

// SEEDS C: a bug in a flag sent every event of the trimmable class down the transient way, so that none
// was ever stored. Here each class has one way in, and the other one refuses it.
func TestTrimmableEventIsStoredAndNotBroadcast(t *testing.T) {
	l := eventlogtest.Open(t)
	next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}))
	defer stop()
	for _, class := range []crdt.Retention{crdt.Trimmable, crdt.Persistent} {
		e := note(class.String())
		e.Retention = class
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		reach, err := l.Broadcast(t.Context(), e, eventlog.Peers)
		if !errors.Is(err, crdt.ErrEvent) || !strings.Contains(err.Error(), class.String()) || reach != (eventlog.Reach{}) {
			t.Errorf("broadcast of a %s event: %+v, %v", class, reach, err)
		}
	}
	mustBroadcast(t, l, "signal")
	if diff := cmp.Diff([]string{"signal"}, heard(t, next, 1)); diff != "" {
		t.Error(diff)
	}
	wantTexts(t, l, "trimmable", "persistent")
	for e, err := range l.Entries(t.Context(), eventlog.Query{}) {
		if err != nil || e.Retention.String() != strings.Trim(string(e.Payload), `"`) {
			t.Errorf("entry %d is %s, payload %s, %v", e.Seq, e.Retention, e.Payload, err)
		}
	}
}

func TestAppendRefusesTransientEvents(t *testing.T) {
	l := eventlogtest.Open(t)
	refused := func(how string, err error) {
		t.Helper()
		if !errors.Is(err, eventlog.ErrTransient) || !strings.Contains(err.Error(), "Broadcast") {
			t.Errorf("%s: %v", how, err)
		}
	}
	_, err := l.Append(t.Context(), signal("a"))
	refused("Append", err)
	_, err = l.AppendBatch(t.Context(), []crdt.Event{note("a"), signal("b")})
	refused("AppendBatch", err)
	err = l.Update(t.Context(), func(tx *eventlog.Tx) error {
		_, err := tx.Append(signal("a"))
		refused("Tx.Append", err)
		_, err = tx.AppendReserved(signal("a"))
		refused("Tx.AppendReserved", err)
		_, err = l.Broadcast(t.Context(), signal("a"), eventlog.Here)
		return err
	})
	if !errors.Is(err, eventlog.ErrInTx) {
		t.Errorf("Broadcast inside an Update: %v", err)
	}
	wantTexts(t, l)
}

func TestBroadcastRefuses(t *testing.T) {
	l := eventlogtest.Open(t)
	next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}))
	defer stop()
	reserved := signal("a")
	reserved.Kind = "quipu.gap"
	if _, err := l.Broadcast(t.Context(), reserved, eventlog.Here); !errors.Is(err, eventlog.ErrReserved) {
		t.Errorf("a reserved kind: %v", err)
	}
	if _, err := l.Broadcast(t.Context(), crdt.Event{Retention: crdt.Transient}, eventlog.Here); !errors.Is(err, crdt.ErrEvent) {
		t.Errorf("no kind: %v", err)
	}
	if _, err := l.Broadcast(t.Context(), signal("a"), 7); err == nil {
		t.Error("an unknown scope passes")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Broadcast(ended, signal("a"), eventlog.Here); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	mustBroadcast(t, l, "first")
	if diff := cmp.Diff([]string{"first"}, heard(t, next, 1)); diff != "" {
		t.Errorf("what was refused was heard: %s", diff)
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

// Whether peers get it is reported: that nobody is there who could hand it on, and how many did.
func TestBroadcastReportsItsReach(t *testing.T) {
	l := eventlogtest.Open(t)
	broadcast := func(scope eventlog.Scope) eventlog.Reach {
		t.Helper()
		reach, err := l.Broadcast(t.Context(), signal("a"), scope)
		if err != nil {
			t.Fatal(err)
		}
		return reach
	}
	if got := broadcast(eventlog.Peers); got != (eventlog.Reach{}) {
		t.Errorf("without a relay: %+v", got)
	}
	var sent []crdt.Broadcast
	stop := l.Relay(func(b crdt.Broadcast) int {
		sent = append(sent, b)
		return 3
	})
	if got := broadcast(eventlog.Here); got != (eventlog.Reach{}) || len(sent) > 0 {
		t.Errorf("told here alone: %+v, and %d were sent", got, len(sent))
	}
	if got := broadcast(eventlog.Peers); got != (eventlog.Reach{Relayed: true, Peers: 3}) || len(sent) != 1 || sent[0].Verify() != nil {
		t.Errorf("%+v, sent %+v", got, sent)
	}
	stop()
	if got := broadcast(eventlog.Peers); got.Relayed {
		t.Errorf("after the relay stopped: %+v", got)
	}
}

func TestHearRefuses(t *testing.T) {
	l := eventlogtest.OpenAs(t, "a")
	next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}))
	defer stop()
	sign := func(key string, log crdt.LogID) crdt.Broadcast {
		e := signal(key)
		e.Time = time.Unix(1, 0)
		b, err := crdt.SignBroadcast(eventlogtest.Key(key), crdt.Broadcast{Event: e, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := l.Hear(sign("b", crdt.LogID{1})); !errors.Is(err, eventlog.ErrForeign) {
		t.Errorf("of another log: %v", err)
	}
	forged := append([]byte(nil), sign("b", l.ID()).Bytes()...)
	forged[len(forged)-1] ^= 1
	b, err := crdt.ParseBroadcast(forged)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Hear(b); !errors.Is(err, crdt.ErrSignature) {
		t.Errorf("forged: %v", err)
	}
	shut := sign("c", l.ID())
	l.ShutAuthor(shut.Author, eventlog.ShutVersion)
	if err := l.Hear(shut); !errors.Is(err, crdt.ErrShut) {
		t.Errorf("of a shut author: %v", err)
	}
	if err := l.Hear(sign("d", l.ID())); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"d"}, heard(t, next, 1)); diff != "" {
		t.Errorf("what was refused was heard: %s", diff)
	}
}

// The clock of what is broadcast grows, and keeps to the wall clock: one that was far ahead once and was
// set back does not make this log's events look old or early to others.
func TestBroadcastClock(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	cfg := config("a")
	cfg.Now = func() time.Time { return now }
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	next, stop := iter.Pull2(l.Listen(t.Context(), eventlog.Query{}, eventlog.ListenConfig{}))
	defer stop()
	clock := func() crdt.Clock {
		t.Helper()
		mustBroadcast(t, l, "a")
		h, err, _ := next()
		if err != nil || !h.Time.Equal(now) {
			t.Fatalf("%+v, %v", h, err)
		}
		return h.Clock
	}
	first := clock()
	if first != crdt.ClockAt(now) {
		t.Errorf("clock %s at %s", first, now)
	}
	if got := clock(); got != first+1 {
		t.Errorf("clock %s after %s", got, first)
	}
	now = now.Add(-time.Second)
	if got := clock(); got != first+2 {
		t.Errorf("set back by a second: clock %s after %s", got, first+1)
	}
	now = now.Add(-time.Hour)
	if got := clock(); got != crdt.ClockAt(now) {
		t.Errorf("set back by an hour: clock %s", got)
	}
}
