package crdt

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// broadcastOf returns a broadcast of e by key i in vectorLog.
func broadcastOf(t testing.TB, i int, e Event) Broadcast {
	t.Helper()
	e.Retention = Transient
	if e.Time.IsZero() {
		e.Time = vectorTime
	}
	b, err := SignBroadcast(rfcKey(i), Broadcast{Event: e, Log: vectorLog, Clock: ClockAt(vectorTime), Nonce: Nonce{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hardBroadcasts are broadcasts of hardEvents.
func hardBroadcasts(t testing.TB) []Broadcast {
	var all []Broadcast
	for _, e := range hardEvents() {
		if !e.Reserved() {
			all = append(all, broadcastOf(t, 0, e))
		}
	}
	return all
}

func TestBroadcastRoundTrip(t *testing.T) {
	for _, b := range hardBroadcasts(t) {
		got, err := ParseBroadcast(bytes.Clone(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(); err != nil {
			t.Error(err)
		}
		if got.ID != b.ID || got.Author != AuthorOf(rfcKey(0)) || got.Log != vectorLog || got.Clock != ClockAt(vectorTime) || got.Nonce != (Nonce{1, 2, 3}) {
			t.Errorf("read back as %+v", got)
		}
		checkCanonicalBroadcast(t, got, b.Bytes())
		back, err := ParseBroadcastJSON(b.AppendJSON(nil))
		if err != nil || back.Author != b.Author || back.Clock != b.Clock || !sameEvent(back.Event, b.Event) {
			t.Errorf("JSON %s reads back as %+v, %v", b.AppendJSON(nil), back, err)
		}
		if e, err := ParseEventJSON(b.AppendJSON(nil)); err != nil || !sameEvent(e, b.Event) {
			t.Errorf("JSON %s reads as the event %+v, %v", b.AppendJSON(nil), e, err)
		}
	}
}

// The event of a broadcast shares nothing with the one that was handed in, which its owner goes on using.
func TestBroadcastIsACopy(t *testing.T) {
	payload := []byte(`{"n":1}`)
	b := broadcastOf(t, 0, Event{Kind: "k", Payload: payload})
	copy(payload, `xxxxxxx`)
	if string(b.Payload) != `{"n":1}` || b.Verify() != nil {
		t.Errorf("payload %s, %v", b.Payload, b.Verify())
	}
}

// A transient event is in no op: nothing that makes ops takes one, whatever way it comes.
func TestNoOpHoldsATransientEvent(t *testing.T) {
	e := Event{Kind: "k", Time: vectorTime, Retention: Transient}
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDraft(e); !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), "broadcast it") {
		t.Errorf("NewDraft: %v", err)
	}
	if _, err := NewOp(rfcKey(0), Header{Log: vectorLog}, vectorTime, e); !errors.Is(err, ErrEvent) {
		t.Errorf("NewOp: %v", err)
	}
	forged := Draft{encoded: appendEvent(nil, &e), leaf: leafHash(appendEvent(nil, &e)), retention: Transient}
	if _, err := Seal(rfcKey(0), Header{Log: vectorLog}, []Draft{forged}); !errors.Is(err, ErrMalformed) {
		t.Errorf("Seal: %v", err)
	}
	f := newForger()
	f.header.Retention = uint64(Transient)
	if _, err := ParseOp(f.op()); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "retention 2") {
		t.Errorf("ParseOp: %v", err)
	}
}

func TestSignBroadcastRefuses(t *testing.T) {
	good := Event{Kind: "k", Time: vectorTime, Retention: Transient}
	for about, tt := range map[string]struct {
		change func(e *Event)
		reason string
	}{
		"persistent":  {func(e *Event) { e.Retention = Persistent }, "it is persistent"},
		"trimmable":   {func(e *Event) { e.Retention = Trimmable }, "it is trimmable"},
		"reserved":    {func(e *Event) { e.Kind = "quipu.gap" }, "kept for ever"},
		"no time":     {func(e *Event) { e.Time = time.Time{} }, "no time"},
		"no kind":     {func(e *Event) { e.Kind = "" }, "kind is empty"},
		"large":       {func(e *Event) { e.Payload, e.ContentType = make([]byte, MaxPayload+1), "a/b" }, "payload has"},
		"not as JSON": {func(e *Event) { e.Payload = []byte("{") }, "not valid JSON"},
	} {
		e := good
		tt.change(&e)
		if _, err := SignBroadcast(rfcKey(0), Broadcast{Event: e, Log: vectorLog}); !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v", about, err)
		}
	}
}

func TestBroadcastIsFreshForAMinute(t *testing.T) {
	b := broadcastOf(t, 0, Event{Kind: "k"})
	made := b.Clock.Time()
	for _, tt := range []struct {
		now   time.Time
		fresh bool
	}{
		{made, true}, {made.Add(MaxBroadcastAge), true}, {made.Add(MaxBroadcastAge + 1), false}, {made.Add(-MaxAhead), true}, {made.Add(-MaxAhead - 1), false},
	} {
		if got := b.Fresh(tt.now); got != tt.fresh {
			t.Errorf("%s after it was made: fresh %v", tt.now.Sub(made), got)
		}
	}
}

func TestParseBroadcastJSONRefuses(t *testing.T) {
	good := string(broadcastOf(t, 0, Event{Kind: "k"}).AppendJSON(nil))
	for about, line := range map[string]string{
		"an entry's":   string(Entry{Event: Event{Kind: "k", Time: vectorTime}}.AppendJSON(nil, nil)),
		"persistent":   strings.Replace(good, "transient", "persistent", 1),
		"no clock":     strings.Replace(good, `"clock":"1714564800123.0",`, "", 1),
		"no retention": strings.Replace(good, `,"retention":"transient"`, "", 1),
		"a seq":        strings.Replace(good, `"clock"`, `"seq":1,"clock"`, 1),
		"no object":    "1",
	} {
		if b, err := ParseBroadcastJSON([]byte(line)); !errors.Is(err, ErrEvent) || line == good {
			t.Errorf("%s: %s: read as %+v, %v", about, line, b, err)
		}
	}
	var b Broadcast
	if err := b.UnmarshalJSON([]byte(good)); err != nil || b.Kind != "k" {
		t.Errorf("%+v, %v", b, err)
	}
}

// The zero Broadcast, and what was read from JSON, verify nothing and do not panic.
func TestBroadcastWithoutBytes(t *testing.T) {
	if err := (Broadcast{Author: AuthorOf(rfcKey(0))}).Verify(); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
	if err := (Broadcast{}).Verify(); !errors.Is(err, ErrAuthor) {
		t.Error(err)
	}
}

// checkCanonicalBroadcast checks that b is the one encoding of what was read from it.
func checkCanonicalBroadcast(t *testing.T, got Broadcast, b []byte) {
	t.Helper()
	if err := got.checkFields(); err != nil {
		t.Fatalf("it breaks a limit: %v", err)
	}
	if cap(got.Payload) != len(got.Payload) {
		t.Fatal("the payload's capacity runs on into the signature")
	}
	again := encode(&wireBroadcast{
		Version: Version, Log: got.Log[:], Author: got.Author[:], Clock: uint64(got.Clock), Nonce: got.Nonce[:], Event: wireOf(&got.Event),
	})
	if !bytes.Equal(append(again, b[len(b)-signatureSize:]...), b) || !bytes.Equal(got.Bytes(), b) || got.Size() != len(b) {
		t.Fatalf("accepted %x, which encodes as %x", b, again)
	}
}

// FuzzBroadcast is FuzzOp for transient events.
func FuzzBroadcast(f *testing.F) {
	for _, b := range hardBroadcasts(f) {
		if b.Size() < 4<<10 {
			f.Add(b.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseBroadcast(b)
		if err != nil {
			if version, ok := errors.AsType[*VersionError](err); !ok && !errors.Is(err, ErrMalformed) || ok && version.Version == Version {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		checkCanonicalBroadcast(t, got, b)
	})
}

// TestBroadcastMalleability changes every bit of a broadcast: each change is an error or does not verify.
func TestBroadcastMalleability(t *testing.T) {
	good := broadcastOf(t, 0, Event{Kind: "a", Payload: []byte("1"), Headers: []EventHeader{{"n", "v"}}})
	for i := range 8 * good.Size() {
		b := bytes.Clone(good.Bytes())
		b[i/8] ^= 1 << (i % 8)
		changed, err := ParseBroadcast(b)
		if err != nil {
			continue
		}
		if changed.ID == good.ID || changed.Verify() == nil {
			t.Errorf("bit %d can change", i)
		}
		checkCanonicalBroadcast(t, changed, b)
	}
	for i := range good.Size() {
		if _, err := ParseBroadcast(good.Bytes()[:i:i]); err == nil {
			t.Errorf("cut after %d bytes it parses", i)
		}
	}
	moved := bytes.Clone(good.Bytes())
	addOrder(moved[len(moved)-signatureSize/2:])
	if b, err := ParseBroadcast(moved); err != nil || !errors.Is(b.Verify(), ErrSignature) {
		t.Errorf("with the other scalar, S + L: %v, %v", err, b.Verify())
	}
}

type broadcastVector struct {
	About     string   `json:"about"`
	Bytes     hexBytes `json:"bytes"`
	Log       LogID    `json:"log"`
	Author    Author   `json:"author"`
	Clock     Clock    `json:"clock"`
	Nonce     hexBytes `json:"nonce"`
	Signed    hexBytes `json:"signed"` // what the signature covers
	Signature hexBytes `json:"signature"`
	ID        Hash     `json:"id"`
	JSON      string   `json:"json"`
	Annotated []string `json:"annotated"`
}

// badBroadcasts are broadcasts that break one rule each, signed anew for what is wrong with them.
func badBroadcasts() []refusedVector {
	author, small := AuthorOf(rfcKey(0)), unhex(smallOrder[0])
	form := func(change func(w *wireBroadcast)) []byte {
		w := wireBroadcast{
			Version: Version, Log: vectorLog[:], Author: author[:], Clock: uint64(ClockAt(vectorTime)), Nonce: make([]byte, 16),
			Event: wireEntry{Time: 1, Kind: "a", Headers: []EventHeader{}, Payload: []byte{}},
		}
		change(&w)
		return encode(&w)
	}
	signed := func(b []byte) hexBytes { return append(slices.Clone(b), signWith(rfcKey(0), broadcastContext, b)...) }
	good := form(func(*wireBroadcast) {})
	return []refusedVector{
		{"clock is 2^63", "", signed(form(func(w *wireBroadcast) { w.Clock = MaxClock }))},
		{"log of 15 bytes", "", signed(form(func(w *wireBroadcast) { w.Log = w.Log[:15] }))},
		{"author of 31 bytes", "", signed(form(func(w *wireBroadcast) { w.Author = w.Author[:31] }))},
		{"nonce of 15 bytes", "", signed(form(func(w *wireBroadcast) { w.Nonce = w.Nonce[:15] }))},
		{"nonce of 17 bytes", "", signed(form(func(w *wireBroadcast) { w.Nonce = make([]byte, 17) }))},
		{"a reserved kind", "", signed(form(func(w *wireBroadcast) { w.Event.Kind = "quipu.x" }))},
		{"kind is empty", "", signed(form(func(w *wireBroadcast) { w.Event.Kind = "" }))},
		{"headers not ascending", "", signed(form(func(w *wireBroadcast) { w.Event.Headers = []EventHeader{{"b", ""}, {"a", ""}} }))},
		{"an array with a 16-bit length", "", signed(append([]byte{0xdc, 0, 6}, good[1:]...))},
		{"five elements", "", signed(append([]byte{0x95}, good[1:]...))},
		{"seven elements", "", signed(append(append([]byte{0x97}, good[1:]...), 0))},
		{"the event as bytes", "", signed(bytes.Replace(good, []byte{0x97}, []byte{0xc4, 7}, 1))},
		{"a byte after the signature", "", append(signed(good), 0)},
		{"a signature of 63 bytes", "", signed(good)[:len(good)+63]},
		{"version 2", "", signed(form(func(w *wireBroadcast) { w.Version = 2 }))},
		{"version 0", "", signed(form(func(w *wireBroadcast) { w.Version = 0 }))},
		{"version 2^32", "", signed(form(func(w *wireBroadcast) { w.Version = 1 << 32 }))},
		{"an author of small order", "", signed(form(func(w *wireBroadcast) { w.Author = small }))},
		{"signed as an op", "", append(slices.Clone(good), signWith(rfcKey(0), opContext, good)...)},
		{"signed under no context", "", append(slices.Clone(good), signWith(rfcKey(0), "", good)...)},
		{"signed by somebody else", "", append(slices.Clone(good), signWith(rfcKey(1), broadcastContext, good)...)},
	}
}

func TestVectorsTransient(t *testing.T) {
	var file struct {
		About   string            `json:"about"`
		Valid   []broadcastVector `json:"valid"`
		Refused []refusedVector   `json:"refused"`
	}
	file.About = "Transient events of the authors in keys.json, and ones that are refused, each by one rule alone: its signature is made anew for what is wrong with it."
	for _, v := range []struct {
		about string
		b     Broadcast
	}{
		{"every field in use", broadcastOf(t, 0, Event{
			Kind: "till.progress", Module: "till-3", Subject: "order/7", Time: vectorTime, ContentType: "application/json",
			Headers: []EventHeader{{"a", "é"}, {"traceparent", ""}}, Payload: []byte(`{"html":"<>&","n":1e400}`),
		})},
		{"every field of the event at its least", broadcastOf(t, 1, Event{Kind: "a", Time: time.Unix(0, 0)})},
	} {
		b := v.b
		split := b.Size() - signatureSize
		file.Valid = append(file.Valid, broadcastVector{
			About: v.about, Bytes: b.Bytes(), Log: b.Log, Author: b.Author, Clock: b.Clock, Nonce: b.Nonce[:],
			Signed: append([]byte(broadcastContext), b.Bytes()[:split]...), Signature: b.Bytes()[split:], ID: b.ID,
			JSON: string(b.AppendJSON(nil)), Annotated: annotateBroadcast(b),
		})
	}
	file.Refused = badBroadcasts()
	for i := range file.Refused {
		r := &file.Refused[i]
		b, err := ParseBroadcast(r.Bytes)
		if err == nil {
			err = b.Verify()
		}
		if r.By = refusal(err); err == nil {
			t.Errorf("%s: not refused", r.About)
		}
	}
	checkVectors(t, "transient.json", file)
}
