package api_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// someAuthor is the key of RFC 8032's first test vector.
const someAuthor = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

func TestQueryRoundTrip(t *testing.T) {
	author, err := crdt.ParseAuthor(someAuthor)
	if err != nil {
		t.Fatal(err)
	}
	offset := uint64(0)
	for _, want := range []api.Query{
		{},
		{Order: "causal", Reverse: true, Limit: 7},
		{Authors: []crdt.Author{author, author}, Kinds: []string{"", "a&b=c"}, Modules: []string{"m"}, Subjects: []string{"ü", "\x00"}},
		{From: &crdt.Place{Author: author, Seq: 3, Branch: crdt.BranchID{1}}},
		{Since: time.Unix(0, 1).UTC(), Until: time.Date(2262, 1, 1, 0, 0, 0, 999, time.UTC)},
		{Disputed: "only"},
		{Order: "arrival", Offset: &offset},
		{Transient: true, Kinds: []string{"k"}},
		{Order: "arrival", After: "0011223344556677.00112233445566778899aabbccddeeff.12"},
	} {
		v, err := url.ParseQuery(want.Values().Encode())
		if err != nil {
			t.Fatal(err)
		}
		got, err := api.ParseQuery(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestParseQueryTimes(t *testing.T) {
	q, err := api.ParseQuery(url.Values{"since": {"2024-05-01"}, "until": {"2024-05-01 14:00:00+02:00"}})
	day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	if err != nil || !q.Since.Equal(day) || !q.Until.Equal(day.Add(12*time.Hour)) {
		t.Errorf("got %v to %v, %v", q.Since, q.Until, err)
	}
	q, err = api.ParseQuery(url.Values{"since": {"90m"}})
	if back := time.Since(q.Since); err != nil || back < 90*time.Minute {
		t.Errorf("since 90m is %v back, %v", back, err)
	}
}

func TestParseQueryRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"knid=a":                     `unknown parameter "knid": did you mean "kind"?`,
		"zzz=1":                      "the parameters are order",
		"limit=1&limit=2":            "one value is enough",
		"limit=-1":                   "expected a number",
		"since=now":                  "RFC 3339",
		"until=05-01":                "RFC 3339",
		"until=0001-01-01T00:00:00Z": "no time: leave it out",
		"since=0001-01-01":           "no time: leave it out",
		"author=12":                  "64 hex digits",
		"from=" + someAuthor:         "expected AUTHOR/SEQ",
		"from=" + someAuthor + "/9007199254740992": "below 2^53",
		"reverse=perhaps":                          "reverse",
		"offset=-1":                                "offset",
	} {
		v, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.ParseQuery(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
}
