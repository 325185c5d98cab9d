package analysis_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/analysis"
)

func TestKeyOnEachSide(t *testing.T) {
	j := sentPaid()
	j.Start.Key, j.End.Key = key(t, "header:request-id"), key(t, "/in/reply~1to")
	log := entries(t, "sent x 0s", `paid y 1s {"in":{"reply/to":"r1"}}`, "sent x 2s", `paid y 3s {"in":{"reply/to":7}}`,
		`paid y 4s {"in":{}}`, `paid y 4s {"in":`, `paid y 4s {"in":{"reply/to":null}}`, "sent x 5s", "sent x 6s")
	log[0].Headers = []crdt.EventHeader{{Name: "request-id", Value: "r1"}}
	log[2].Headers = []crdt.EventHeader{{Name: "request-id", Value: "7"}}
	log[8].Headers = []crdt.EventHeader{{Name: "request-id", Value: strings.Repeat("x", analysis.MaxKey+1)}}
	want(t, outcomes(t, j, log), "keyless e4", "keyless e5", "keyless e6", "keyless s7", "keyless s8", "paired s0 e1 1s", "paired s2 e3 1s")
}

func key(t *testing.T, text string) analysis.Key {
	t.Helper()
	k, err := analysis.ParseKey(text)
	if err != nil || k.String() != text {
		t.Fatalf("key %q: %q, %v", text, k, err)
	}
	return k
}

func TestKeysThatMakeNoSense(t *testing.T) {
	for _, text := range []string{"header:", "kind", "id", "/a~2b", "/~"} {
		if k, err := analysis.ParseKey(text); !errors.Is(err, analysis.ErrKey) && !errors.Is(err, analysis.ErrPointer) {
			t.Errorf("key %q is %v, %v", text, k, err)
		}
	}
}
