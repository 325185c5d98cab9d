package eventlog_test

import (
	"context"
	"errors"
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

// system C: a bug in a flag sent every event of the trimmable class down the transient way, so that none
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
	l.ShutAuthor(shut.Author, eventlog.ShutDamaged)
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
