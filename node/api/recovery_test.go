package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// TestRecoveryInWords: what is said names why, how far it is, who is missing, and a command that a shell takes as it is.
func TestRecoveryInWords(t *testing.T) {
	named := func(b byte, name string) api.Named { return api.Named{Author: crdt.Author{b}, Name: name} }
	beta, gamma, delta := named(1, "beta"), named(2, "gamma"), named(3, "delta")
	day := time.Date(2026, 1, 2, 14, 3, 0, 0, time.Local)
	away := func(n api.Named) api.Absent { return api.Absent{Named: n, Since: day} }
	for name, c := range map[string]struct {
		r    api.Recovery
		want string
	}{
		"no daemon": {
			api.Recovery{},
			`why; "quipu start --dir D" asks the members and goes on by itself; where no other node of the log is left, "quipu recover --dir D --alone" does without`,
		},
		"nobody yet": {
			api.Recovery{Asking: true},
			`why; nobody has been asked yet; it goes on by itself once a member was asked; where no other node of the log is left, "quipu recover --dir D --alone" does without`,
		},
		"it comes": {
			api.Recovery{
				Asking: true, Came: 2400, Claimed: 20000, PerSecond: 3100.4, End: api.Head{Next: 12400},
				Sources: []api.Named{beta, gamma}, Missing: []api.Absent{{Named: beta, Why: "holds entries of this node that have not come yet"}, away(delta)},
			},
			`why; 12,400 of at least 20,000 entries of its own, from beta, gamma, 3,100 a second; ` +
				`missing: beta (01000000) holds entries of this node that have not come yet, delta (03000000), not heard since 2026-01-02 14:03; ` +
				`it goes on by itself once they were asked; "quipu recover --dir D --without delta" goes on without`,
		},
		"all is here": {
			api.Recovery{Asking: true, Came: 1, End: api.Head{Next: 3}, Sources: []api.Named{beta}, Missing: []api.Absent{{Named: beta, Why: "has not answered yet"}}},
			`why; 3 entries of its own, from beta; missing: beta (01000000) has not answered yet; it goes on by itself; "quipu recover --dir D" says how far it is`,
		},
		"hearsay, a claim, a place": {
			api.Recovery{
				Asking: true, Asked: []api.Named{beta}, Unproven: []api.Claim{{Named: gamma, Next: 9}},
				Missing: []api.Absent{{Named: delta, By: []api.Named{beta}}, {Addr: "192.0.2.1:7946", Why: "has not answered yet"}}, Without: []api.Absent{away(gamma)},
			},
			`why; asked: beta; not proven: gamma (02000000) claims entries up to 8, and does not give them; ` +
				`going on without gamma (02000000), not heard since 2026-01-02 14:03; ` +
				`missing: delta (03000000), not heard (as beta (01000000) says), 192.0.2.1:7946 has not answered yet; ` +
				`it goes on by itself once they were asked; "quipu recover --dir D --without delta --without 192.0.2.1:7946" goes on without`,
		},
		"a copy": {
			api.Recovery{Asking: true, Copy: "a copy runs", Missing: []api.Absent{away(delta)}},
			`why; a copy runs; it does not go on beside that one: "quipu stop --dir D" and then "quipu recover --dir D --new-key" gives this folder a key of its own`,
		},
		"a copy that a peer has met": {
			api.Recovery{
				Author: gamma.Author, Asking: true, Asked: []api.Named{beta},
				Missing: []api.Absent{{Named: gamma, Why: "is another process with this node's key", By: []api.Named{beta}}},
			},
			`why; asked: beta; missing: gamma (02000000) is another process with this node's key (as beta (01000000) says); ` +
				`it does not go on beside that one: "quipu stop --dir D" and then "quipu recover --dir D --new-key" gives this folder a key of its own; ` +
				`where none runs, "quipu recover --dir D --without 02000000" goes on`,
		},
	} {
		c.r.Text = "why"
		if got := c.r.String(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestHandle: no name of a stranger's becomes a command, and none stands for two.
func TestHandle(t *testing.T) {
	missing := func(names ...string) *api.Recovery {
		r := &api.Recovery{}
		for i, name := range names {
			r.Missing = append(r.Missing, api.Absent{Named: api.Named{Author: crdt.Author{byte(i + 1)}, Name: name}})
		}
		return r
	}
	for name, want := range map[string]string{
		"delta": "delta", "node-3.example": "node-3.example", "日本": "日本",
		"": "01000000", "a b": "01000000", "$(reboot)": "01000000", "--alone": "01000000", "a;b": "01000000", "a\nb": "01000000",
	} {
		if r := missing(name, "other"); r.Handle(r.Missing[0]) != want {
			t.Errorf("%q: %q, want %q", name, r.Handle(r.Missing[0]), want)
		}
	}
	if r := missing("twice", "twice"); r.Handle(r.Missing[0]) != "01000000" || r.Handle(r.Missing[1]) != "02000000" {
		t.Errorf("of two of one name: %q, %q", r.Handle(r.Missing[0]), r.Handle(r.Missing[1]))
	}
	err := missing("delta").NotMissing("beta")
	if !errors.Is(err, api.ErrNotFound) || !strings.Contains(err.Error(), `called "beta": missing: delta (01000000)`) {
		t.Errorf("not missing: %v", err)
	}
}
