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

// TestParseWait reads whom an append waits for, and refuses what could mean two things.
func TestParseWait(t *testing.T) {
	a, b := strings.Repeat("11", 32), strings.Repeat("22", 32)
	author := func(text string) crdt.Author {
		parsed, err := crdt.ParseAuthor(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for query, want := range map[string]api.Wait{
		"":                                {},
		"wait=2":                          {Nodes: 2, Timeout: api.DefaultWait},
		"wait=all&wait-timeout=90s":       {All: true, Timeout: 90 * time.Second},
		"wait=" + a + "&wait=" + b:        {Members: []crdt.Author{author(a), author(b)}, Timeout: api.DefaultWait},
		"wait=1&ack-replicated=true":      {Nodes: 1, Each: true, Timeout: api.DefaultWait},
		"wait-recovered=true":             {Recovered: true},
		"wait=1&wait-recovered=1":         {Nodes: 1, Recovered: true, Timeout: api.DefaultWait},
		"wait=1&ack-replicated=0&other=x": {Nodes: 1, Timeout: api.DefaultWait},
	} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := api.ParseWait(v)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", query, got, err, want)
		}
	}
	for query, want := range map[string]string{
		"wait=0":                              `parameter wait: "0": expected a number of nodes, 1 or more, all, or authors`,
		"wait=-1":                             `"-1": expected a number`,
		"wait=beta":                           `"beta": expected a number`,
		"wait=1&wait=2":                       `parameter wait: "2": one value is enough`,
		"wait=all&wait=" + a:                  `one value is enough`,
		"wait=" + a + "&wait=all":             `"all": expected`,
		"wait=" + a + "&wait=" + a:            "stands there twice",
		"wait=1&wait-timeout=0":               "parameter wait-timeout: 0: expected more",
		"wait=1&wait-timeout=soon":            `"soon": expected an age`,
		"wait=1&wait-timeout=1&wait-timeout=": "parameter wait-timeout",
		"wait=1&ack-replicated=perhaps":       "parameter ack-replicated",
		"wait-recovered=perhaps":              "parameter wait-recovered",
		"ack-replicated=true":                 "parameter wait is missing",
		"wait-timeout=1s":                     "parameter wait is missing",
	} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := api.ParseWait(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want an error with %q", query, got, err, want)
		}
	}
}
