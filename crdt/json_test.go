package crdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// checkEventJSON fails the test unless e survives its JSON form, in an entry and alone.
func checkEventJSON(t *testing.T, e Event) {
	t.Helper()
	line := e.AppendJSON(nil)
	back, err := ParseEventJSON(line)
	if err != nil || !sameEvent(e, back) {
		t.Fatalf("%.300s reads as %.1000v, %v: want %.1000v", line, back, err, e)
	}
	if e.Time.IsZero() {
		return
	}
	entry := Entry{Event: e, Author: AuthorOf(rfcKey(0)), Seq: MaxSeq - 1, Op: OpID{1}, Clock: MaxClock - 1, Disputed: true}
	offset := uint64(7)
	line = entry.AppendJSON([]byte("before"), &offset)[len("before"):]
	if bytes.ContainsRune(line, '\n') || !json.Valid(line) && len(e.Payload) < 9_000 {
		t.Fatalf("%.300s is no line of NDJSON", line)
	}
	read, at, err := ParseEntryJSON(line)
	if err != nil || at == nil || *at != offset || !sameEvent(e, read.Event) {
		t.Fatalf("%.300s reads as %.1000v, %v: want %.1000v", line, read, err, entry)
	}
	if entry.Event, read.Event = (Event{}), (Event{}); !cmp.Equal(entry, read) {
		t.Fatalf("%.300s (-wrote +read):\n%s", line, cmp.Diff(entry, read))
	}
	if again, err := ParseEventJSON(line); err != nil || !sameEvent(e, again) {
		t.Fatalf("%.300s reads otherwise as an event: %.1000v, %v", line, again, err)
	}
}

// sameEvent reports whether a and b have the same encoding.
func sameEvent(a, b Event) bool {
	return a.Time.Equal(b.Time) && a.Kind == b.Kind && a.Module == b.Module && a.Subject == b.Subject && a.ContentType == b.ContentType &&
		a.Retention == b.Retention && slices.Equal(a.Headers, b.Headers) && bytes.Equal(a.Payload, b.Payload)
}

func TestEventJSONRoundTrip(t *testing.T) {
	for _, e := range hardEvents() {
		checkEventJSON(t, e)
	}
}

// TestPayloadJSON shows which payloads stand inline; all survive.
func TestPayloadJSON(t *testing.T) {
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, tt := range []struct {
		about, payload string
		inline         bool
	}{
		{"html", `"<>&"`, true},
		{"line separator", "\"\u2028\u2029\"", true},
		{"escapes as they are", `"\u003c\/\u2028\ud800"`, true},
		{"a number too large for a float", "1e400", true},
		{"more digits than a float has", "0.10000000000000000000000001", true},
		{"negative zero", "-0", true},
		{"duplicate keys", `{"a":1,"a":2}`, true},
		{"null", "null", true},
		{"empty object", "{}", true},
		{"as deep as JSON goes", deep, true},
		{"deeper", "[" + deep + "]", false},
		{"white space", `{"a": 1}`, false},
		{"a line feed at the end", "1\n", false},
		{"two values", "1 2", false},
		{"not JSON", "hello", false},
		{"0xff", "\xff", false},
		{"0xff within a string", "\"\xff\"", false},
		{"a lone surrogate as bytes", "\"\xed\xa0\x80\"", false},
		{"byte order mark", "\ufeff1", false},
		{"white space alone", " ", false},
		{"a zero byte", "\x00", false},
	} {
		t.Run(tt.about, func(t *testing.T) {
			e := Event{Kind: "k", Time: vectorTime, Payload: []byte(tt.payload)}
			line := e.AppendJSON(nil)
			want := []byte(`"payload":` + tt.payload + `,`)
			if got := bytes.Contains(line, want); got != tt.inline || got == bytes.Contains(line, []byte(`"payloadBase64":"`)) {
				t.Errorf("%.200s: inline %t, want %t", line, got, tt.inline)
			}
			checkEventJSON(t, e)
		})
	}
}

func TestEntryJSON(t *testing.T) {
	offset := uint64(42)
	full := Entry{
		Event: Event{
			Kind: "order.paid", Module: "shop", Subject: "order/<7>\u2028\t\"", Time: vectorTime.In(time.FixedZone("", 7200)), ContentType: "application/json",
			Headers: []EventHeader{{"a", "1"}, {"b", "\n"}}, Payload: []byte(`{"n":1e400}`), Retention: Trimmable,
		},
		Author: AuthorOf(rfcKey(0)), Seq: 9, Op: OpID{0xab}, Clock: NewClock(1714564800123, 4), Disputed: true,
	}
	least := Entry{Event: Event{Kind: "a", Time: time.Unix(-1, 0)}, Author: AuthorOf(rfcKey(0))}
	for _, tt := range []struct {
		entry  Entry
		offset *uint64
		want   string
	}{
		{full, &offset, `{"author":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a","seq":9,` +
			`"op":"ab00000000000000000000000000000000000000000000000000000000000000","disputed":true,"clock":"1714564800123.4",` +
			`"time":"2024-05-01T12:00:00.123456789Z","kind":"order.paid","module":"shop","subject":"order/<7>\u2028\t\"",` +
			`"contentType":"application/json","headers":{"a":"1","b":"\n"},"payload":{"n":1e400},"retention":"trimmable","offset":42}`},
		{least, nil, `{"author":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a","seq":0,` +
			`"op":"0000000000000000000000000000000000000000000000000000000000000000","clock":"0.0",` +
			`"time":"1969-12-31T23:59:59.000000000Z","kind":"a","retention":"persistent"}`},
	} {
		if diff := cmp.Diff(tt.want, string(tt.entry.AppendJSON(nil, tt.offset))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	checkEventJSON(t, full.utc())
}

func (e Entry) utc() Event {
	e.Time = e.Time.UTC()
	return e.Event
}

// TestJSONByEncoder shows what a json.Encoder keeps, and that encoding/json reads and writes the form.
func TestJSONByEncoder(t *testing.T) {
	e := Entry{Event: Event{Kind: "k", Subject: "<", Time: vectorTime, Payload: []byte("\"<\u2028\"")}, Author: AuthorOf(rfcKey(0))}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		t.Fatal(err)
	}
	if got := bytes.TrimSuffix(buf.Bytes(), []byte("\n")); !bytes.Equal(got, e.AppendJSON(nil, nil)) {
		t.Errorf("the encoder changes the form to %s", got)
	}
	if text, err := json.Marshal(Event{Kind: "k"}); err != nil || string(text) != `{"kind":"k","retention":"persistent"}` {
		t.Errorf("an event by itself is %s, %v", text, err)
	}
	var back struct {
		Entry Entry
		Event Event
	}
	whole := `{"Entry":` + string(e.AppendJSON(nil, nil)) + `,"Event":` + string(e.Event.AppendJSON(nil)) + `}`
	if err := json.Unmarshal([]byte(whole), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back.Entry); diff != "" {
		t.Errorf("entry (-wrote +read):\n%s", diff)
	}
	if diff := cmp.Diff(e.Event, back.Event); diff != "" {
		t.Errorf("event (-wrote +read):\n%s", diff)
	}
}

func TestParseEventJSON(t *testing.T) {
	at := func(s string) time.Time {
		tm, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return tm.UTC()
	}
	for line, want := range map[string]Event{
		`{}`:                            {},
		" {\t\"kind\" : \"a\" }\r\n":    {Kind: "a"},
		`{"kind":"\u0061\ud83d\ude00"}`: {Kind: "a😀"},
		`{"time":"2024-05-01T14:00:00.000000001+02:00"}`:                        {Time: at("2024-05-01T12:00:00.000000001Z")},
		`{"time":"1960-01-01T00:00:00-05:30"}`:                                  {Time: at("1960-01-01T05:30:00Z")},
		`{"headers":{"b":"2","a":"1","\u00e9":""}}`:                             {Headers: []EventHeader{{"a", "1"}, {"b", "2"}, {"é", ""}}},
		`{"payload": {"b" : [1, 2 ], "a":"<\u2028 x" } }`:                       {Payload: []byte(`{"b":[1,2],"a":"<\u2028 x"}`)},
		`{"payload":null}`:                                                      {Payload: []byte("null")},
		`{"payloadBase64":"/w=="}`:                                              {Payload: []byte{0xff}},
		`{"payloadBase64":"","headers":{}}`:                                     {},
		`{"retention":"trimmable"}`:                                             {Retention: Trimmable},
		`{"author":1,"seq":[],"op":"","disputed":"x","clock":null,"offset":{}}`: {},
	} {
		got, err := ParseEventJSON([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestParseEventJSONRefuses(t *testing.T) {
	for line, reason := range map[string]string{
		``:                            "expected a JSON object",
		`{`:                           "cut off",
		`{"`:                          "cut off",
		`{"kind`:                      "cut off",
		`{"kind"`:                     "cut off",
		`{"kind":"a\`:                 "cut off",
		`{"kind":"a""b"}`:             "not valid JSON",
		`{"kind":}`:                   "expected a value",
		`{"seq":1]`:                   "expected a comma",
		`{,"seq":1}`:                  "expected a name",
		`{"seq":1,,"op":1}`:           "expected a name",
		`{"seq":[1}]}`:                "not valid JSON",
		`{"seq":tru}`:                 "not valid JSON",
		"{\"kind\":\"a\nb\"}":         "not valid JSON",
		`{"kind":"a"`:                 "cut off",
		`{"kind":"a",`:                "cut off",
		`{"kind":`:                    "cut off",
		`{"kind":"a",}`:               "not valid JSON",
		`{"kind" "a"}`:                "not valid JSON",
		`{kind:"a"}`:                  "not valid JSON",
		`[]`:                          "expected a JSON object",
		`null`:                        "expected a JSON object",
		`{"kind":"a"} {}`:             "more follows",
		`{"kind":"a"} x`:              "more follows",
		`{"kidn":"a"}`:                `unknown field "kidn": did you mean "kind"? (the fields are author, seq, op, `,
		`{"Payload":1}`:               `unknown field "Payload": did you mean "payload"? (`,
		`{"payloadbase64":""}`:        `did you mean "payloadBase64"? (`,
		`{"content_type":""}`:         `did you mean "contentType"? (`,
		`{"extra":1}`:                 `unknown field "extra": the fields are author, seq, op, disputed, clock, gone, offset, time, kind, `,
		`{"kind":"a","kind":"a"}`:     `field "kind" stands there twice`,
		`{"seq":1,"seq":1}`:           `field "seq" stands there twice`,
		`{"kind":null}`:               "expected a text",
		`{"subject":7}`:               "expected a text",
		"{\"kind\":\"\xff\"}":         "not valid UTF-8",
		"{\"payload\":\"\xff\"}":      "not valid UTF-8",
		`{"kind":"\ud800"}`:           "half of a surrogate pair",
		`{"kind":"\udc00\ud800"}`:     "half of a surrogate pair",
		`{"kind":"\\\ud800\u0061"}`:   "half of a surrogate pair",
		`{"kind":"\ud800\ud800"}`:     "half of a surrogate pair",
		`{"time":"2024-05-01"}`:       "RFC 3339",
		`{"time":"2024-05-01T12:00"}`: "RFC 3339",
		`{"time":1714564800}`:         "expected a text",
		`{"time":""}`:                 "RFC 3339",
		`{"time":"2024-05-01T12:00:00.0000000001Z"}`: "at most nine decimals",
		`{"time":"0001-01-01T00:00:00Z"}`:            "no time: leave it out",
		`{"time":"2300-01-01T00:00:00Z"}`:            "expected a time between",
		`{"headers":[]}`:                             "expected an object of texts",
		`{"headers":null}`:                           "expected an object of texts",
		`{"headers":{"a":1}}`:                        "expected a text",
		`{"headers":{"a":"1","a":"2"}}`:              `"a" stands there twice`,
		`{"headers":{"a":"1","\u0061":"2"}}`:         `"a" stands there twice`,
		`{"headers":{"\ud800":"1"}}`:                 "half of a surrogate pair",
		`{"headers":{"a":"\ud800"}}`:                 "half of a surrogate pair",
		`{"payload":1,"payloadBase64":"AA=="}`:       "give one of them",
		`{"payload":[1,]}`:                           "not valid JSON",
		`{"payloadBase64":"AB=="}`:                   "expected base64",
		`{"payloadBase64":"A"}`:                      "expected base64",
		`{"payloadBase64":null}`:                     "expected a text",
		`{"retention":"forever"}`:                    "expected persistent, trimmable or transient",
		`{"seq":01}`:                                 "not valid JSON",
	} {
		got, err := ParseEventJSON([]byte(line))
		if !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: read as %+v, %v: want an error with %q", line, got, err, reason)
		}
	}
}

func TestParseEntryJSONRefuses(t *testing.T) {
	good := string(Entry{Event: Event{Kind: "k", Time: vectorTime}, Author: AuthorOf(rfcKey(0)), Seq: 1}.AppendJSON(nil, nil))
	for _, tt := range []struct{ old, new, reason string }{
		{`"seq":1,`, ``, `field "seq" is missing`},
		{`"kind":"k",`, ``, `field "kind" is missing`},
		{`"seq":1`, `"seq":-1`, "expected a whole number"},
		{`"seq":1`, `"seq":1.0`, "expected a whole number"},
		{`"seq":1`, `"seq":1e3`, "expected a whole number"},
		{`"seq":1`, `"seq":"1"`, "expected a whole number"},
		{`"seq":1`, `"seq":9007199254740992`, "expected a whole number"},
		{`"author":"d`, `"author":"D`, "lower-case hex"},
		{`"author":"d75a`, `"author":"`, "expected 64 hex digits"},
		{`"op":"00`, `"op":"`, "expected 64 hex digits"},
		{`"clock":"0.0"`, `"clock":0`, "expected a text"},
		{`"clock":"0.0"`, `"clock":"0"`, "MILLISECONDS.COUNTER"},
		{`"seq":1`, `"seq":1,"disputed":1`, "expected true or false"},
		{`"seq":1`, `"seq":1,"offset":-1`, "expected a whole number"},
		{`"seq":1`, `"seq":1,"offsets":1`, `did you mean "offset"? (`},
	} {
		line := strings.Replace(good, tt.old, tt.new, 1)
		if e, _, err := ParseEntryJSON([]byte(line)); !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: read as %+v, %v: want an error with %q", line, e, err, tt.reason)
		}
	}
	if _, offset, err := ParseEntryJSON([]byte(good)); err != nil || offset != nil {
		t.Errorf("the unchanged line: offset %v, %v", offset, err)
	}
}
