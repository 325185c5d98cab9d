package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/node/api"
)

func TestMoveRoundTrip(t *testing.T) {
	from := ""
	for _, want := range []api.Move{
		{Subject: "a", To: "b"},
		{Subject: "a", To: "b", From: &from, Trigger: "t", Module: "m", Time: time.Unix(1, 2).UTC(), Headers: map[string]string{"h": "v"}},
	} {
		line, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := api.ParseMove(line)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestParseMoveRefuses(t *testing.T) {
	for line, want := range map[string]string{
		``:                                    "cut off",
		`{"subject":"a"`:                      "cut off",
		`[]`:                                  "expected a JSON object",
		`{"subject":"a","to":"b"} x`:          "more follows",
		`{"subject":"a","to":"b","to":"c"}`:   `"to" stands there twice`,
		`{"subject":"a","form":"b"}`:          `did you mean "from"?`,
		`{"subject":"a","zzzzzzzz":"b"}`:      "the fields are subject",
		`{"subject":"a"}`:                     `field "to" is missing`,
		`{"to":"a"}`:                          `field "subject" is missing`,
		`{"subject":1,"to":"b"}`:              "expected a text, got a JSON number",
		`{"subject":"a","to":"b","time":"x"}`: "RFC 3339",
		`{"subject":"a","to":"b","time":"0001-01-01T00:00:00Z"}`: "no time: leave it out",
		"{\"subject\":\"a\",\"to\":\"\xff\"}":                    "UTF-8",
		`{"subject":"a","to":"b","headers":1}`:                   "headers",
	} {
		if _, err := api.ParseMove([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", line, err, want)
		}
	}
}

func FuzzParseMove(f *testing.F) {
	f.Add([]byte(`{"subject":"a","to":"b","from":"c","trigger":"d","time":"2024-05-01T12:00:00Z","headers":{"a":"b"}}`))
	f.Add([]byte(`{"subject":null,"to":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := api.ParseMove(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Skip(err) // a time that has no JSON form
		}
		back, err := api.ParseMove(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Error(diff)
		}
	})
}
