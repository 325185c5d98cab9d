package gossip_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
)

// without has the operator of a node go on without whoever is missing now.
func (n *simNode) without() {
	progress := n.OwnEndProgress()
	if progress == nil {
		return
	}
	word := api.RecoverRequest{Without: gossip.Authors(progress.Missing)}
	for _, m := range progress.Missing {
		if m.Author.IsZero() {
			word.Addrs = append(word.Addrs, m.Addr)
			n.word.Store(true)
		}
	}
	n.members.Say(word)
}

// alone has the operator of a node go on without whoever is not linked.
func (n *simNode) alone() {
	n.word.Store(true)
	n.members.Say(api.RecoverRequest{Alone: true})
}

// between puts the flaw between a node's log and those whom it asks.
func (f flaw) between(n *simNode) eventlog.AskedPeers {
	if f.peers == nil {
		return n.members
	}
	return f.peers(n)
}

// settleAgain is how long a node rests before it asks again where its feed ends, once that has failed.
const settleAgain = 5 * time.Second

// settle asks where the node's own feed ends whenever its log does not know, until ctx ends.
func (n *simNode) settle(ctx context.Context, log *eventlog.Log) {
	for ctx.Err() == nil {
		changed := log.Changed()
		var again <-chan time.Time
		if log.Settle(ctx) != nil {
			changed, again = nil, time.After(settleAgain)
		} else {
			n.members.Settled()
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// memory is the file in a node's folder that says whom it has met.
func (n *simNode) memory() string { return filepath.Join(n.dir, "met.json") }

// remember writes down the members, as they are when a node ends.
func (n *simNode) remember() {
	all := make(map[crdt.Author]gossip.Remembered)
	for _, r := range n.met {
		all[r.Author] = r
	}
	for _, m := range n.Members() {
		if m.Author != n.author() {
			all[m.Author] = gossip.Remembered{Author: m.Author, Name: m.Name, Seen: time.Now(), Addrs: []string{m.Addr.String()}}
		}
	}
	met := slices.SortedFunc(maps.Values(all), func(a, b gossip.Remembered) int { return a.Author.Compare(b.Author) })
	n.meets(met)
	text, err := json.Marshal(met)
	if err == nil {
		err = os.WriteFile(n.memory(), text, 0o600)
	}
	if err != nil {
		n.sim.t.Fatal(err)
	}
}

// recall reads whom a node has met, as its folder says.
func (n *simNode) recall() {
	var met []gossip.Remembered
	text, err := os.ReadFile(n.memory())
	if err == nil {
		err = json.Unmarshal(text, &met)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.sim.t.Fatal(err)
	}
	n.meets(met)
}

func (n *simNode) meets(met []gossip.Remembered) {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	n.met = met
}
