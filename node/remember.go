package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/node/folder"
)

const (
	// lookEvery is how often the members are looked at.
	lookEvery = 2 * time.Second
	// writeEvery is the least time between two writings of peers.json while the node runs.
	writeEvery = 30 * time.Second
	// seenEvery is how far a peer's last sight may run ahead of what is written.
	seenEvery = time.Hour
	// settled is how long the log must have shown an offset before an equality counts for it: so long a
	// comparison of digests may take to be taken note of.
	settled = 2 * time.Second
)

// memory is the peers that are remembered from one run to the next, for a node that restarts when all
// others have moved or are down. One goroutine uses it.
//
//	look     look     look        a peer's digest was last seen equal at e: so it has everything
//	 │next 7  │next 9  │next 12   below the offset of the last look before that, 9
//	─┴────────┴───e────┴──────▶
type memory struct {
	folder      folder.Folder
	logger      *slog.Logger
	log         arrivals
	incarnation string // of the log's arrivals when the offsets in peers were last looked at; all are of it
	peers       map[crdt.Author]folder.Peer
	looks       []moment // the last ones, the latest last

	changed   bool
	written   map[crdt.Author]time.Time // the last sights that are in the file
	writtenAt time.Time
	failed    bool // the last writing
	// held is what the peers keep back of a trim, and called what they call themselves, for any goroutine to read.
	held   atomic.Pointer[[]eventlog.Hold]
	called atomic.Pointer[map[crdt.Author]string]
}

// moment is what the log's next offset was when.
type moment struct {
	at   time.Time
	next uint64
}

// maxLooks bounds the moments that are kept.
const maxLooks = 4

// arrivals are what is asked of a log about the offsets that are remembered of it.
type arrivals interface {
	Incarnation() string
	Common(incarnation string, offset uint64) uint64
}

// recall returns what the folder remembers. A peers.json that cannot be read never stops the node: one
// that makes no sense is set aside, which is logged.
func recall(f folder.Folder, log arrivals, now time.Time, logger *slog.Logger) *memory {
	m := &memory{
		folder: f, logger: logger, log: log,
		peers: make(map[crdt.Author]folder.Peer), written: make(map[crdt.Author]time.Time),
	}
	peers, err := f.ReadPeers(now)
	if err != nil {
		m.broken(err)
	}
	for _, p := range peers {
		m.peers[p.Author], m.written[p.Author] = p, p.LastSeen
	}
	m.recount()
	m.noteHolds()
	m.noteNames()
	return m
}

// recount makes what is remembered mean the same under the name that the log's arrivals have now: a peer that had
// everything below an offset had all of it that is still here.
func (m *memory) recount() {
	now := m.log.Incarnation()
	if now == m.incarnation {
		return
	}
	for author, p := range m.peers {
		p.EqualOffset, p.Incarnation = m.log.Common(p.Incarnation, p.EqualOffset), now
		if p.EqualOffset == 0 {
			p.Incarnation = ""
		}
		m.peers[author] = p
	}
	m.incarnation = now
}

// broken deals with a peers.json that could not be read.
func (m *memory) broken(err error) {
	if !errors.Is(err, folder.ErrPeers) {
		m.logger.Warn("cannot read the peers of earlier runs; going on without them", "err", err)
		return
	}
	aside, renameErr := m.folder.SetPeersAside()
	if renameErr != nil {
		err = errors.Join(err, renameErr)
	}
	m.logger.Warn("the peers of earlier runs make no sense; going on without them", "err", err, "aside", aside)
}

// knowsAnybody reports whether there is anybody to ask: a place to join, or a member that the folder remembers. A
// peers.json that cannot be read named somebody.
func knowsAnybody(f folder.Folder, join []string) bool {
	remembered, err := f.ReadPeers(time.Now())
	return len(join) > 0 || len(remembered) > 0 || err != nil
}

// remembered returns the peers of earlier runs as gossip takes them, those seen last first.
func (m *memory) remembered() []gossip.Remembered {
	var all []gossip.Remembered
	for _, p := range m.peers {
		all = append(all, gossip.Remembered{Author: p.Author, Name: p.Name, Seen: p.LastSeen, Addrs: p.Addrs})
	}
	slices.SortFunc(all, func(a, b gossip.Remembered) int {
		return cmp.Or(b.Seen.Compare(a.Seen), a.Author.Compare(b.Author))
	})
	return all
}

// run looks and writes until ctx ends, and then once more.
func (m *memory) run(ctx context.Context, n *Node) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			m.look(time.Now(), n.log.Next(), n.gossip.Members(), n.gossip.Seeds())
			if m.changed || len(m.peers) > 0 {
				m.write(time.Now())
			}
			return
		case <-tick.C:
		}
		now := time.Now()
		m.look(now, n.log.Next(), n.gossip.Members(), n.gossip.Seeds())
		if m.changed && now.Sub(m.writtenAt) >= writeEvery {
			m.write(now)
		}
	}
}

// look takes note of the members that are there, and of those that have left before they were ever
// looked at. Next is the log's next offset, read before the members.
func (m *memory) look(now time.Time, next uint64, members []gossip.Member, seeds []gossip.Seed) {
	m.recount()
	for _, member := range members {
		old, known := m.peers[member.Author]
		if known && member.State != gossip.Alive || member.State == gossip.Guest {
			continue
		}
		p := folder.Peer{
			Author: member.Author, Name: member.Name, LastSeen: seenAt(member, now),
			Addrs:       addrsOf(member, seeds, old.Addrs),
			EqualOffset: old.EqualOffset, Incarnation: old.Incarnation,
		}
		if equal := m.equalAt(member.EqualAt); equal > p.EqualOffset {
			p.EqualOffset, p.Incarnation = equal, m.incarnation
		}
		m.peers[p.Author] = p
		if p.Name != old.Name || p.EqualOffset != old.EqualOffset || !slices.Equal(p.Addrs, old.Addrs) ||
			now.Sub(m.written[p.Author]) >= seenEvery {
			m.changed = true
		}
	}
	m.looks = append(m.looks, moment{now, next})
	m.looks = m.looks[max(0, len(m.looks)-maxLooks):]
	m.noteHolds()
	m.noteNames()
}

// seenAt returns when a member was last there.
func seenAt(member gossip.Member, now time.Time) time.Time {
	switch {
	case member.State == gossip.Alive:
		return now.UTC()
	case member.Heard.IsZero():
		return member.Since.UTC()
	}
	return member.Heard.UTC()
}

// equalAt returns an offset below which a peer had everything when its digest was last seen equal, 0
// if none is known.
func (m *memory) equalAt(equal time.Time) uint64 {
	for _, l := range slices.Backward(m.looks) {
		if equal.Sub(l.at) >= settled {
			return l.next
		}
	}
	return 0
}

// addrsOf returns where a member is: where it says it is, where it was joined, and where it was before.
func addrsOf(member gossip.Member, seeds []gossip.Seed, before []string) []string {
	var addrs []string
	if member.Addr.IsValid() && member.Addr.Port() != 0 {
		addrs = append(addrs, member.Addr.String())
	}
	for _, s := range seeds {
		if _, err := netip.ParseAddrPort(s.Addr); err == nil && s.Source != find.Remembered && s.Joined && s.Peer == member.Author {
			addrs = append(addrs, s.Addr)
		}
	}
	var all []string
	for _, a := range append(addrs, before...) {
		if !slices.Contains(all, a) && len(all) < folder.MaxPeerAddrs {
			all = append(all, a)
		}
	}
	return all
}

// write replaces peers.json. A failure is logged, once until it works again.
func (m *memory) write(now time.Time) {
	peers := folder.KeepPeers(slices.Collect(maps.Values(m.peers)), now)
	m.writtenAt = now
	clear(m.peers)
	for _, p := range peers {
		m.peers[p.Author] = p
	}
	if err := m.folder.WritePeers(peers, now); err != nil {
		if !m.failed {
			m.logger.Warn("cannot write down the peers for the next run", "err", fmt.Errorf("%s: %w", m.folder.Peers(), err))
		}
		m.failed = true
		return
	}
	m.failed, m.changed = false, false
	clear(m.written)
	for _, p := range peers {
		m.written[p.Author] = p.LastSeen
	}
}

// names returns what the peers called themselves, as of the last look. It is not written to.
func (m *memory) names() map[crdt.Author]string {
	if called := m.called.Load(); called != nil {
		return *called
	}
	return nil
}

// noteNames makes what the peers call themselves known to others than the goroutine that owns m.
func (m *memory) noteNames() {
	called := namesOf(slices.Collect(maps.Values(m.peers)))
	m.called.Store(&called)
}

// namesIn returns a function that returns what the peers that the folder remembers called themselves, where no daemon
// keeps them. What cannot be read names nobody.
func namesIn(f folder.Folder) func() map[crdt.Author]string {
	return func() map[crdt.Author]string {
		peers, _ := f.ReadPeers(time.Now())
		return namesOf(peers)
	}
}

func namesOf(peers []folder.Peer) map[crdt.Author]string {
	names := make(map[crdt.Author]string, len(peers))
	for _, p := range peers {
		names[p.Author] = p.Name
	}
	return names
}
