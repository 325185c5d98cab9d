package transient

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// broadcastAt returns a transient event that was broadcast at a time, with a payload of size bytes.
func broadcastAt(t *testing.T, at time.Time, subject string, size int) wire.Transient {
	t.Helper()
	e := crdt.Event{Kind: "k", Subject: subject, Time: at, ContentType: "a/b", Payload: make([]byte, size), Retention: crdt.Transient}
	b, err := crdt.SignBroadcast(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), crdt.Broadcast{Event: e, Clock: crdt.ClockAt(at)})
	if err != nil {
		t.Fatal(err)
	}
	return wire.Transient{Event: b}
}

// What waits for a link is bounded in number and bytes; the oldest goes first.
func TestLaneIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	a := new(Hub).Lane(Peer{})
	dropped := 0
	for range maxWaiting + 10 {
		dropped += a.put(broadcastAt(t, now, "small", 0))
	}
	if dropped != 10 || len(a.events) != maxWaiting {
		t.Errorf("%d dropped, %d wait", dropped, len(a.events))
	}
	dropped = a.put(broadcastAt(t, now, "large", crdt.MaxPayload))
	dropped += a.put(broadcastAt(t, now, "larger", crdt.MaxPayload))
	if a.bytes > maxBytes || len(a.events)+dropped != maxWaiting+2 || dropped < 2 {
		t.Errorf("%d bytes wait, %d dropped, %d wait", a.bytes, dropped, len(a.events))
	}
	any := func(int) bool { return true }
	var last string
	for {
		m, dropped, ok := a.take(now, any)
		if !ok {
			break
		}
		if last = m.Event.Subject; dropped > 0 {
			t.Errorf("%d dropped before %s", dropped, last)
		}
	}
	if last != "larger" || a.bytes != 0 {
		t.Errorf("the last is %s, %d bytes are left", last, a.bytes)
	}
}

// What has waited for more than a minute, and what a link would be busy with for too long, is not sent.
func TestLaneDropsWhatIsNotWorthSending(t *testing.T) {
	now := time.Unix(1000, 0)
	a := new(Hub).Lane(Peer{})
	a.put(broadcastAt(t, now.Add(-61*time.Second), "old", 0))
	a.put(broadcastAt(t, now, "large", 5000))
	a.put(broadcastAt(t, now, "good", 0))
	m, dropped, ok := a.take(now, func(bytes int) bool { return bytes < 5000 })
	if !ok || m.Event.Subject != "good" || dropped != 2 {
		t.Errorf("%q, %d dropped", m.Event.Subject, dropped)
	}
	a.put(broadcastAt(t, now.Add(-time.Hour), "old", 0))
	if _, dropped, ok := a.take(now, nil); ok || dropped != 1 {
		t.Errorf("%v, %d dropped", ok, dropped)
	}
}

// A window lets out what is read in time: more where answers come at once, less where they are late.
func TestWindow(t *testing.T) {
	now := time.Unix(1000, 0)
	var w window
	send := func(n int) {
		for w.opens(n) && n > 0 {
			w.sent += n
		}
	}
	round := uint32(0)
	answer := func(took time.Duration) {
		round++
		w.offered(round, now)
		now = now.Add(took)
		w.answered(round+1, now) // of another round
		w.answered(round, now)
		w.answered(round, now.Add(time.Hour)) // the rest of an answer
	}
	if send(1000); w.sent > firstWindow || w.sent < firstWindow-1000 {
		t.Errorf("%d bytes at first", w.sent)
	}
	answer(10 * time.Millisecond)
	if w.sent != 0 || w.most() != 2*firstWindow {
		t.Errorf("%d bytes on their way, of %d, after a full window was read at once", w.sent, w.most())
	}
	answer(0)
	if w.most() != 2*firstWindow {
		t.Error("a window that is not used grows")
	}
	for range 10 {
		send(1000)
		answer(10 * time.Millisecond)
	}
	if w.most() != mostWindow {
		t.Errorf("at most %d", w.most())
	}
	for range 20 {
		send(1000)
		answer(time.Second)
	}
	if w.most() != leastWindow {
		t.Errorf("at least %d", w.most())
	}
	w.sent = 0
	if !w.opens(1 << 20) {
		t.Error("one event always goes")
	}
	w.offered(99, now)
	w.sent += 5000
	w.answered(99, now.Add(time.Second))
	if w.sent != 5000 {
		t.Errorf("%d bytes on their way: what follows the offer is not read yet", w.sent)
	}
}

func TestQuota(t *testing.T) {
	now := time.Unix(1000, 0)
	var q quota
	for i := range quotaEvents + 1 {
		if got := q.takes(1, now.Add(time.Duration(i))); got != (i < quotaEvents) {
			t.Fatalf("event %d: %v", i, got)
		}
	}
	if !q.takes(quotaBytes, now.Add(time.Second)) || q.takes(1, now.Add(time.Second)) {
		t.Error("bytes past the quota")
	}
}

// An event is fresh once, and sent on once: also when it came by another peer before it came from its
// author.
func TestSeen(t *testing.T) {
	now := time.Unix(1000, 0)
	var s seen
	for _, tt := range []struct {
		id           byte
		first        bool
		after        time.Duration
		fresh, relay bool
	}{
		{1, true, 0, true, true}, {1, true, 0, false, false}, {1, false, 0, false, false},
		{2, false, 0, true, false}, {2, false, 0, false, false}, {2, true, 0, false, true}, {2, true, 0, false, false},
		{1, true, keepSeen, false, false}, {2, true, 2*keepSeen - 1, false, false}, // Both sets are looked at.
		{1, true, 4 * keepSeen, true, true},
	} {
		if tt.after == 4*keepSeen {
			s.note(crdt.Hash{9}, true, now.Add(3*keepSeen))
		}
		fresh, relay := s.note(crdt.Hash{tt.id}, tt.first, now.Add(tt.after))
		if fresh != tt.fresh || relay != tt.relay {
			t.Errorf("%+v: fresh %v, relay %v", tt, fresh, relay)
		}
	}
}

// Ids take bounded memory, and the latest are remembered whatever came before.
func TestSeenIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	var s seen
	id := func(i int) crdt.Hash { return crdt.Hash{byte(i), byte(i >> 8), byte(i >> 16)} }
	for i := range 2*maxSeen + 9 {
		s.note(id(i), false, now)
	}
	if n := len(s.young) + len(s.old); n > 2*maxSeen {
		t.Errorf("%d ids are kept", n)
	}
	if fresh, _ := s.note(id(2*maxSeen+8), false, now); fresh {
		t.Error("the latest is forgotten")
	}
}

// The links to tell are those that take transient events, but for the one that it came on.
func TestLanesToTell(t *testing.T) {
	h := NewHub(crdt.LogID{}, nil)
	a, b := h.Lane(Peer{Agreed: true}), h.Lane(Peer{Agreed: true})
	a.Open()
	leave := b.Open()
	h.Lane(Peer{}).Open()
	if got := h.besides(a); !slices.Equal(got, []*Lane{b}) {
		t.Errorf("%v", got)
	}
	leave()
	if got := h.besides(nil); !slices.Equal(got, []*Lane{a}) {
		t.Errorf("%v", got)
	}
}
