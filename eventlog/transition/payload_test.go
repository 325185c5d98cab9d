package transition

import (
	"crypto/ed25519"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

var (
	ann  = crdt.AuthorOf(eventlogtest.Key("ann"))
	some = After{Author: ann, Seq: 7, Op: crdt.OpID{0xab, 31: 0x01}}
)

// someAfter is some as it stands in a payload.
var someAfter = `{"author":"` + ann.String() + `","seq":7,"op":"ab` + strings.Repeat("0", 60) + `01"}`

// The payload's form is final: these bytes never change.
func TestPayloadBytes(t *testing.T) {
	for _, test := range []struct {
		payload payload
		want    string
	}{
		{payload{from: new(""), to: "draft"}, `{"from":"","to":"draft"}`},
		{payload{to: "draft"}, `{"to":"draft"}`}, // before it is filled in
		{payload{from: new("draft"), to: "final", trigger: "vote"}, `{"from":"draft","to":"final","trigger":"vote"}`},
		{payload{from: new("draft"), to: "final", after: &some}, `{"from":"draft","to":"final","after":` + someAfter + `}`},
		{payload{from: new("a"), to: "b", trigger: "c", after: &some}, `{"from":"a","to":"b","trigger":"c","after":` + someAfter + `}`},
		{payload{from: new(`<>&"`), to: "é\n"}, `{"from":"<>&\"","to":"é\n"}`},
	} {
		got := string(test.payload.encode())
		if got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
		back, err := parsePayload([]byte(got), true, nil)
		if err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		if diff := cmp.Diff(test.payload, back, cmp.AllowUnexported(payload{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", got, diff)
		}
	}
}

func TestPayloadsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{
		``, `null`, `[]`, `"draft"`, `{`, `{}`, `{"to":""}`, `{"to":null}`, `{"to":1}`, `{"to":"a"}x`, `{"to":"a"}{"to":"b"}`,
		`{"to":"a","to":"b"}`, `{"to":"a","from":null}`, `{"to":"a","trigger":[]}`, `{"To":"a"}`,
		`{"to":"a","after":null}`, `{"to":"a","after":{}}`, `{"to":"a","after":"x"}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `"seq":7`, `"seq":-7`, 1) + `}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `"seq":7`, `"seq":9007199254740992`, 1) + `}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `"seq":7`, `"seq":"7"`, 1) + `}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `"seq":7`, `"seq":7,"seq":7`, 1) + `}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `ab00`, `AB00`, 1) + `}`,
		`{"to":"a","after":` + strings.Replace(someAfter, ann.String(), strings.Repeat("0", 64), 1) + `}`,
		`{"to":"` + strings.Repeat("a", MaxStage+1) + `"}`,
		`{"to":"a","from":"` + strings.Repeat("a", MaxStage+1) + `"}`,
		`{"to":"a","trigger":"` + strings.Repeat("a", MaxTrigger+1) + `"}`,
		"{\"to\":\"a\xff\"}", `{"to":"a",}`, `{"to":"a" "from":"b"}`, `{"to":"a`, strings.Repeat("[", 100_000),
	} {
		if p, err := parsePayload([]byte(text), false, nil); err == nil {
			t.Errorf("%.60s: read as %+v", text, p)
		}
	}
}

func TestUnknownFieldsAreLeftToLaterVersions(t *testing.T) {
	for _, text := range []string{
		`{"to":"a","why":{"x":[1,2,{}]}}`,
		`{"to":"a","after":` + strings.Replace(someAfter, `"seq"`, `"clock":"1.2","seq"`, 1) + `}`,
	} {
		if _, err := parsePayload([]byte(text), true, nil); err == nil {
			t.Errorf("%s can be appended", text)
		}
		if p, err := parsePayload([]byte(text), false, nil); err != nil || p.to != "a" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"from":"a","to":"b","trigger":"c","after":` + someAfter + `}`))
	f.Add([]byte(`{"to":"b","x":[]}`))
	f.Add([]byte(`{"to":"\ud800"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePayload(b, true, nil)
		if err != nil {
			return
		}
		again, err := parsePayload(p.encode(), true, nil)
		if diff := cmp.Diff(p, again, cmp.AllowUnexported(payload{})); diff != "" || err != nil {
			t.Fatalf("%q: %v (-want +got):\n%s", b, err, diff)
		}
	})
}

// TestAuthorsAreCheckedOnce remembers texts that are right, up to a bound, and no others.
func TestAuthorsAreCheckedOnce(t *testing.T) {
	checked := make(authors)
	var seed [ed25519.SeedSize]byte
	for i := range maxAuthors + 2 {
		binary.BigEndian.PutUint64(seed[:], uint64(i))
		want := crdt.AuthorOf(ed25519.NewKeyFromSeed(seed[:]))
		for range 2 {
			if a, err := checked.parse(want.String()); err != nil || a != want {
				t.Fatalf("%s: %s, %v", want, a, err)
			}
		}
		if wrong := (crdt.Author{1}).String(); i%1000 == 0 {
			if a, err := checked.parse(wrong); err == nil {
				t.Errorf("%s: %s, want an error", wrong, a)
			}
		}
	}
	if len(checked) != 2 {
		t.Errorf("%d are remembered after %d, want 2", len(checked), maxAuthors+2)
	}
}
