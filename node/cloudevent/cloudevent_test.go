package cloudevent_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/cloudevent"
)

// full is a CloudEvent with every attribute.
const full = `{"specversion":"1.0","id":"A 1","source":"/shop/1","type":"com.example.sold","subject":"pear","time":"2024-02-03T04:05:06.000000007+01:00",
	"datacontenttype":"application/vnd.x+json","dataschema":"https://example.com/s","traceparent":"00-1","flag":true,"n":-7,"none":null,"data":{ "a" : [1, "<é>"] }}`

func TestParse(t *testing.T) {
	got, err := cloudevent.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := crdt.Event{
		Kind: "com.example.sold", Module: "/shop/1", Subject: "pear", Time: time.Date(2024, 2, 3, 3, 5, 6, 7, time.UTC), ContentType: "application/vnd.x+json",
		Headers: []crdt.EventHeader{{Name: "ce-dataschema", Value: "https://example.com/s"}, {Name: "ce-id", Value: "A 1"}, {Name: "flag", Value: "true"}, {Name: "n", Value: "-7"}, {Name: "traceparent", Value: "00-1"}},
		Payload: []byte(`{"a":[1,"<é>"]}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
}

func TestData(t *testing.T) {
	for members, want := range map[string]string{
		`"data":"x"`:  `"x"`,
		`"data":null`: `null`,
		`"data":"x","datacontenttype":"text/plain"`:       `x`,
		`"data":"x","datacontenttype":"Text/JSON; a=b"`:   `"x"`,
		`"data_base64":"/w==","datacontenttype":"a/b"`:    "\xff",
		`"data_base64":"eyAi","datacontenttype":"a/b"`:    `{ "`,
		`"datacontenttype":"text/plain"`:                  ``,
		`"data_base64":"","datacontenttype":"text/plain"`: ``,
	} {
		got, err := cloudevent.Parse([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"k",` + members + `}`))
		if err != nil || string(got.Payload) != want {
			t.Errorf("%s: %q, %v, want %q", members, got.Payload, err, want)
		}
	}
}

// TestWhatCannotBeCarried is an error that names it.
func TestWhatCannotBeCarried(t *testing.T) {
	const rest = `"specversion":"1.0","id":"1","source":"s","type":"k"`
	for text, says := range map[string]string{
		`[]`: "expected a JSON object", `{`: "cut off", `{}`: "attribute specversion is missing",
		`{"specversion":"1.0","id":"1","type":"k"}`:                                             "attribute source is missing",
		`{"specversion":"0.3","id":"1","source":"s","type":"k"}`:                                "specversion",
		`{"specversion":"1.0","id":"","source":"s","type":"k"}`:                                 "attribute id: it is empty",
		`{"specversion":"1.0","id":null,"source":"s","type":"k"}`:                               "attribute id is missing",
		`{"specversion":"1.0","id":7,"source":"s","type":"k"}`:                                  "attribute id: expected a text",
		`{"specversion":"1.0","id":"1","source":"a b","type":"k"}`:                              "attribute source",
		`{"specversion":"1.0","id":"1","source":"%zz","type":"k"}`:                              "attribute source",
		`{` + rest + `,"source":"s"}`:                                                           "attribute source: it stands there twice",
		`{` + rest + `,"subject":"a\u0007"}`:                                                    "attribute subject",
		`{` + rest + `,"subject":"` + strings.Repeat("x", 1025) + `"}`:                          "attribute subject: it has 1025 bytes",
		`{"specversion":"1.0","id":"1","type":"k","source":"` + strings.Repeat("x", 256) + `"}`: "attribute source: it has 256 bytes",
		`{` + rest + `,"time":"yesterday"}`:                                                     "attribute time",
		`{` + rest + `,"time":"2024-01-01T00:00:00.0000000001Z"}`:                               "nine decimals",
		`{` + rest + `,"list":[1]}`:                                                             "attribute list",
		`{` + rest + `,"n":1.5}`:                                                                "attribute n",
		`{` + rest + `,"n":2147483648}`:                                                         "attribute n",
		`{` + rest + `,"n":1e3}`:                                                                "attribute n",
		`{` + rest + `,"Upper":"x"}`:                                                            "attribute Upper",
		`{` + rest + `,"quipux":"x"}`:                                                           "attribute quipux",
		`{` + rest + `,"quipuheaders":"x"}`:                                                     "attribute quipuheaders",
		`{` + rest + `,"quipuretention":"soon"}`:                                                "attribute quipuretention",
		`{` + rest + `,"data":1,"data_base64":""}`:                                              "data and data_base64",
		`{` + rest + `,"data":1,"data":1}`:                                                      "data stands there twice",
		`{` + rest + `,"data_base64":"?"}`:                                                      "data_base64",
		`{` + rest + `,"datacontenttype":"text/plain","data":{}}`:                               "data of the type text/plain",
	} {
		if _, err := cloudevent.Parse([]byte(text)); !errors.Is(err, cloudevent.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.200s: %v, want %q", text, err, says)
		}
	}
	for text, says := range map[string]string{`{}`: "list", `null`: "list", `[{` + rest + `},{}]`: "event 2 of the batch", `[`: "JSON"} {
		if _, err := cloudevent.ParseBatch([]byte(text)); !errors.Is(err, cloudevent.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	if events, err := cloudevent.ParseBatch([]byte(`[]`)); err != nil || len(events) != 0 {
		t.Errorf("%v, %v", events, err)
	}
}

// header returns that of a CloudEvent in binary mode, with more of it in pairs.
func header(more ...string) map[string][]string {
	h := map[string][]string{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"k"}, "Content-Type": {"a/b"}, "Accept": {"*/*"}}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = append(h[more[i]], more[i+1])
	}
	return h
}

// TestHeaderValues has the examples of the protocol binding's section on them.
func TestHeaderValues(t *testing.T) {
	for value, want := range map[string]string{
		"pear": "pear", "Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀", "%e2%82%ac": "€", `"two words"`: "two words", `"a \"b\" \\ %25"`: `a "b" \ %`,
		"a%22b": `a"b`, "100%25": "100%", "%70ear": "pear", "a+b": "a+b", `a\b`: `a\b`,
	} {
		got, err := cloudevent.FromHeader(header("Ce-Subject", value), []byte{0xff})
		if err != nil || got.Subject != want || got.ContentType != "a/b" || string(got.Payload) != "\xff" || len(got.Headers) != 1 {
			t.Errorf("%s: %+v, %v, want %q", value, got, err, want)
		}
	}
	for _, c := range []struct{ name, value, says string }{
		{"Ce-Subject", "%C0%A0", "not valid UTF-8"}, {"Ce-Subject", "100%", "percent"}, {"Ce-Subject", "%zz", "percent"}, {"Ce-Subject", `"a`, "not closed"},
		{"Ce-Subject", "%07", "control"}, {"Ce-Datacontenttype", "a/b", "Content-Type"}, {"Ce-Id", "2", "twice"}, {"Ce-Data", "x", "attribute data"}, {"Ce-A-B", "x", "attribute a-b"},
	} {
		if _, err := cloudevent.FromHeader(header(c.name, c.value), nil); !errors.Is(err, cloudevent.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s: %v, want %q", c.name, c.value, err, c.says)
		}
	}
	if !cloudevent.IsHeader(header()) || cloudevent.IsHeader(map[string][]string{"Accept": {"ce-"}}) {
		t.Error("IsHeader is wrong")
	}
}

var stands = crdt.Entry{Author: crdt.Author{1}, Seq: 7, Clock: 9 << 16}

func entry(e crdt.Event) *crdt.Entry {
	told := stands
	told.Event = e
	return &told
}

// TestAnEntryThatWasACloudEventIsTheSame, as JSON values, but for what says where it stands.
func TestAnEntryThatWasACloudEventIsTheSame(t *testing.T) {
	e, err := cloudevent.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	b, err := cloudevent.Append(nil, entry(e), 12)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := errors.Join(json.Unmarshal(b, &got), json.Unmarshal([]byte(full), &want)); err != nil {
		t.Fatal(err)
	}
	want["flag"], want["n"], want["time"] = "true", "-7", "2024-02-03T03:05:06.000000007Z"
	delete(want, "none")
	want["quipuplace"], want["quipuclock"], want["quipuoffset"] = stands.Place().String(), stands.Clock.String(), "12"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAnyEntryIsOne: whatever an entry has that a CloudEvent can have comes back from it.
func TestAnyEntryIsOne(t *testing.T) {
	text := func(most int) *rapid.Generator[string] { return rapid.StringN(0, -1, most) }
	rapid.Check(t, func(rt *rapid.T) {
		e := crdt.Event{
			Kind: "k" + text(30).Draw(rt, "kind"), Module: text(80).Draw(rt, "module"), Subject: text(30).Draw(rt, "subject"),
			Time:        time.Unix(0, rapid.Int64().Draw(rt, "time")).UTC(),
			ContentType: rapid.SampledFrom([]string{"", "application/json", "text/plain", "text/json", "a/b"}).Draw(rt, "content type"),
			Retention:   crdt.Retention(rapid.IntRange(0, 1).Draw(rt, "retention")),
			Payload:     []byte(rapid.OneOf(text(40), rapid.SampledFrom([]string{"null", "{}", ` {"a": 1}`, `"x"`, "1e400", "\xff", `"` + "\u2028" + `"`})).Draw(rt, "payload")),
		}
		names := rapid.SliceOfNDistinct(rapid.OneOf(rapid.StringMatching("[a-z0-9]{1,9}"), text(9), rapid.SampledFrom([]string{"id", "data", "quipux", "quipu-client", "traceparent"})), 0, 5, rapid.ID).Draw(rt, "names")
		slices.Sort(names)
		for _, name := range names {
			e.Headers = append(e.Headers, crdt.EventHeader{Name: name, Value: text(20).Draw(rt, "value")})
		}
		b, err := cloudevent.Append(nil, entry(e), 1)
		if err != nil {
			if !errors.Is(err, cloudevent.ErrInvalid) || !strings.Contains(err.Error(), "control character") {
				rt.Fatal(err)
			}
			return
		}
		got, err := cloudevent.Parse(b)
		if err != nil {
			rt.Fatalf("%s: %v", b, err)
		}
		want := e
		want.Headers = append(slices.Clone(e.Headers), crdt.EventHeader{Name: "ce-id", Value: stands.Place().String()})
		slices.SortFunc(want.Headers, func(a, b crdt.EventHeader) int { return strings.Compare(a.Name, b.Name) })
		if got.Module != e.Module && e.Module != "" && !strings.Contains(got.Module, "%") {
			rt.Fatalf("module %q became %q", e.Module, got.Module)
		}
		want.Module, got.Module = "", ""
		if len(want.Payload) == 0 {
			want.Payload = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s: %s", b, diff)
		}
	})
}

// TestSources are those of modules.
func TestSources(t *testing.T) {
	for module, want := range map[string]string{"": "quipu:" + stands.Author.String(), "shop": "shop", "eu west": "eu%20west", "%": "%25", "a:b/c": "a:b/c", ":": "%3A", "1:2 3": "1%3A2%203", "\x07": "%07"} {
		b, err := cloudevent.Append(nil, entry(crdt.Event{Kind: "k", Module: module}), 0)
		var got struct{ Source string }
		if err != nil || json.Unmarshal(b, &got) != nil || got.Source != want {
			t.Errorf("%q: %s, %v, want %s", module, b, err, want)
		}
	}
	for _, e := range []crdt.Entry{{Event: crdt.Event{Kind: "\x07"}}, {Gone: 3}} {
		if b, err := cloudevent.Append([]byte("x"), &e, 0); !errors.Is(err, cloudevent.ErrInvalid) || string(b) != "x" {
			t.Errorf("%s, %v", b, err)
		}
	}
}
