package main

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

// TestVersionsOfMembersAreShownWhereTheyDiffer: one of which nothing is known differs from none.
func TestVersionsOfMembersAreShownWhereTheyDiffer(t *testing.T) {
	for third, want := range map[string][]string{"v1": nil, "": nil, "v2": {"VERSION", "v1", "?", "v2"}} {
		var b strings.Builder
		members := []api.Member{{State: "self", Version: "v1"}, {State: "dead"}, {State: "alive", Version: third}}
		if err := printMembers(&b, members); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if shown := strings.Contains(lines[0], "VERSION"); shown != (want != nil) {
			t.Errorf("with %q the head is %s", third, lines[0])
		}
		for i, text := range want {
			if !strings.Contains(lines[i], text) {
				t.Errorf("with %q line %d is %s, want %s in it", third, i, lines[i], text)
			}
		}
	}
}
