package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// status is what the tests read of "quipu status".
type status struct {
	Author  string            `json:"author"`
	Entries uint64            `json:"entries"`
	Ops     uint64            `json:"ops"`
	Hash    string            `json:"hash"`
	Members int               `json:"members"`
	Linked  int               `json:"linked"`
	Counts  map[string]uint64 `json:"counts"`
	// Reason is why the node appends nothing, "" if it does; Recovering what it waits for until it knows where its feed ends.
	Reason     string `json:"reason"`
	Recovering *struct {
		Copy    string `json:"copy"`
		Missing []struct {
			Author string `json:"author"`
			Addr   string `json:"addr"`
		} `json:"missing"`
	} `json:"recovering"`
	// Seeds are the places where the node looks for others.
	Seeds []struct {
		Source string `json:"source"`
		From   string `json:"from"`
		Joined bool   `json:"joined"`
	} `json:"seeds"`
	// CaughtUp is when the node first held what its members held; Behind what it still lacks, and in
	// how many seconds it will have it.
	CaughtUp time.Time `json:"caughtUp"`
	Behind   struct {
		Entries uint64  `json:"entries"`
		Left    float64 `json:"leftSeconds"`
	} `json:"behind"`
}

func (m *member) status() status {
	m.t.Helper()
	var s status
	if err := json.Unmarshal([]byte(m.on("status", "--format", "json")), &s); err != nil {
		m.t.Fatal(err)
	}
	return s
}

// peer is what the tests read of a line of "quipu members".
type peer struct {
	Author string `json:"author"`
	Addr   string `json:"addr"`
	State  string `json:"state"`
	Linked bool   `json:"linked"`
	Behind uint64 `json:"behind"`
}

// peers returns the other members that the daemon knows of.
func (m *member) peers() []peer {
	m.t.Helper()
	var all, others []peer
	if err := json.Unmarshal([]byte(m.on("members", "--format", "json")), &all); err != nil {
		m.t.Fatal(err)
	}
	for _, p := range all {
		if p.State != "self" {
			others = append(others, p)
		}
	}
	return others
}

// allSee waits until each of the members sees exactly so many others alive.
func allSee(t *testing.T, members []*member, alive int) {
	t.Helper()
	var seen []string
	eventually(t, fmt.Sprintf("sight of %d others alive", alive), func() bool {
		seen = seen[:0]
		all := true
		for _, m := range members {
			s := m.status()
			seen = append(seen, fmt.Sprintf("%s: %d alive, %d linked", m.dir, s.Members, s.Linked))
			all = all && s.Members == alive
		}
		return all
	}, func() string { return strings.Join(seen, "\n") })
}
