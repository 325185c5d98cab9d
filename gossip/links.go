package gossip

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Link is a stream to another node over which ops can flow. Nothing in it but Author has been proven.
type Link struct {
	Author crdt.Author
	Name   string         // what the other calls itself; it may be anything
	Addr   netip.AddrPort // where its stream comes from, or leads to
	// Dialled says that this node has made the link, not the other.
	Dialled bool
	Since   time.Time
	Heard   time.Time // when the last frame came on it
	// Eager says that news goes out on it at once; otherwise the other is told what there is.
	Eager bool
	// Received is how many entries came on it that were new, Sent how many went out.
	Received, Sent uint64
}

// Links returns the links that there are, by author and then by age. Two to one author lead to processes with one key. Before
// [Gossip.Run] there are none.
func (g *Gossip) Links() []Link {
	var all []Link
	if g.loop.running() {
		g.loop.ask(func(s *state) {
			for _, p := range s.links {
				all = append(all, Link{
					Author: p.peer, Name: p.name, Addr: addrPortOf(p.addr), Dialled: p.dialled, Since: p.since, Heard: p.lastHeard(),
					Eager: p.eager.Load(), Received: p.received.Load(), Sent: p.sent.Load(),
				})
			}
		})
	}
	slices.SortFunc(all, func(a, b Link) int { return cmp.Or(a.Author.Compare(b.Author), a.Since.Compare(b.Since)) })
	return all
}
