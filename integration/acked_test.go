package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// acks is what was acked: the place of each entry, and the op that it stood in when the command had printed that.
type acks map[string]string

// append appends n entries of a kind with one command, which must succeed, and notes what was acked.
func (a acks) append(m *member, kind string, n int, flags ...string) {
	m.t.Helper()
	input := strings.Repeat(fmt.Sprintf(`{"kind":%q,"payload":%q}`+"\n", kind, payloadOf(kind)), n)
	out, stderr, code := m.try(input, append([]string{"append", "--dir", m.dir, "--ndjson", "-"}, flags...)...)
	if code != 0 {
		m.t.Fatalf("append to %s: exit %d: %s\n%s", m.dir, code, stderr, m.stderr)
	}
	at := make(map[string]string)
	for _, e := range m.entries() {
		at[e.place()] = e.Op
	}
	for place := range strings.Lines(out) {
		place = strings.TrimSpace(place)
		if was, twice := a[place]; twice {
			m.t.Errorf("%s was acked twice: in op %s and now in %s", place, was, at[place])
		}
		a[place] = at[place]
	}
}

// payloadOf is the payload of the entries of a kind.
func payloadOf(kind string) string { return "the payload of " + kind }

// kept wants every place that was acked where it was on every member, no place with two ops anywhere, and no fork.
func (a acks) kept(t *testing.T, members []*member) {
	t.Helper()
	ops := maps.Clone(a)
	for _, m := range members {
		here := make(map[string]bool)
		for _, e := range m.entries() {
			here[e.place()] = true
			if was := ops[e.place()]; was != "" && was != e.Op {
				t.Errorf("%s stands in op %s and in %s, the latter at %s", e.place(), was, e.Op, m.dir)
			}
			ops[e.place()] = e.Op
		}
		for place := range a {
			if !here[place] {
				t.Errorf("%s was acked, and is not at %s", place, m.dir)
			}
		}
		if list := m.on("forks", "list", "--format", "ndjson"); list != "" {
			t.Errorf("forks at %s:\n%s", m.dir, list)
		}
	}
}

// wantReady wants the last ready line to say that the node recovers, and why; "" for not.
func (m *member) wantReady(why string) {
	m.t.Helper()
	if _, said, _ := strings.Cut(strings.TrimSpace(m.ready), " recovering="); said != why {
		m.t.Errorf("the ready line is %q, want recovering=%s", m.ready, why)
	}
}

// takenUp is what an entry says of how a feed was taken up again.
type takenUp struct {
	Why     string
	From    struct{ Next uint64 }
	Asked   []string
	Missing []string
	Without []string
	Alone   bool
	Former  string
}

// recoveries returns how often the member's own feed was taken up again, and how, the last one last.
func (m *member) recoveries() (all []takenUp) {
	m.t.Helper()
	for _, e := range m.entries("--author", m.author, "--kind", "quipu.recover") {
		var how takenUp
		if err := json.Unmarshal(e.Payload, &how); err != nil {
			m.t.Fatal(err)
		}
		all = append(all, how)
	}
	return all
}

// wantTakenUp waits until the member's own feed was taken up again for the first time, and wants that to be for a reason
// and after so many were asked.
func (m *member) wantTakenUp(why string, asked int) {
	m.t.Helper()
	var all []takenUp
	eventually(m.t, "recovery", func() bool { all = m.recoveries(); return len(all) > 0 }, func() string {
		return m.on("status") + m.stderr.String()
	})
	if r := all[0]; len(all) != 1 || r.Why != why || len(r.Asked) != asked || len(r.Missing)+len(r.Without) > 0 || r.Alone {
		m.t.Errorf("the feed was taken up as %+v, want one for %q after %d were asked", all, why, asked)
	}
}
