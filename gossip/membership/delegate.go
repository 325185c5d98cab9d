package membership

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/quipulog/quipu/crdt"
)

// delegate is what memberlist calls. It calls under its own locks and owns the bytes, so every method
// copies, and none waits but the two that its loops call between two ticks, see lull.
type delegate struct{ m *Membership }

var (
	_ memberlist.Delegate         = (*delegate)(nil)
	_ memberlist.EventDelegate    = (*delegate)(nil)
	_ memberlist.AliveDelegate    = (*delegate)(nil)
	_ memberlist.PingDelegate     = (*delegate)(nil)
	_ memberlist.ConflictDelegate = (*delegate)(nil)
)

// NodeMeta returns our signed announcement.
func (d *delegate) NodeMeta(int) []byte { return d.m.announcement().sign(d.m.cfg.Key, d.m.cfg.Log) }

// NotifyAlive checks the announcement of a member before memberlist believes it.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	author, addr, err := nodeOf(n)
	if err != nil {
		d.m.badAnnouncements.Add(1)
		return err
	}
	last, same := d.m.table.known(author, addr, n.Meta)
	if same {
		return nil
	}
	a, err := parseAnnouncement(d.m.cfg.Log, author, addr, n.Meta)
	if err != nil {
		d.m.badAnnouncements.Add(1)
		return err
	}
	if author == d.m.self {
		if own := d.m.announcement(); a != own && d.m.outbid(a.counter) {
			d.m.log.Info("a peer knows a newer announcement of ours; announcing again", "addr", addr)
		}
		return nil
	}
	if last.author == author && a.counter < last.counter {
		d.m.staleAnnouncements.Add(1)
		return errStale
	}
	if !d.m.table.remember(checked{announcement: a, meta: string(n.Meta)}, time.Now()) {
		return fmt.Errorf("no place for more than %d members", d.m.cfg.MaxPeers)
	}
	return nil
}

// nodeOf returns who a node is and where.
func nodeOf(n *memberlist.Node) (crdt.Author, netip.AddrPort, error) {
	author, err := crdt.ParseAuthor(n.Name)
	if err != nil {
		return crdt.Author{}, netip.AddrPort{}, fmt.Errorf("%w: %w", errAnnouncement, err)
	}
	ip, ok := netip.AddrFromSlice(n.Addr)
	if !ok || n.Port == 0 {
		return crdt.Author{}, netip.AddrPort{}, fmt.Errorf("%w: no address", errAnnouncement)
	}
	return author, netip.AddrPortFrom(ip.Unmap(), n.Port), nil
}

// NotifyJoin takes a member in.
func (d *delegate) NotifyJoin(n *memberlist.Node) {
	author, addr, err := nodeOf(n)
	if err != nil || author == d.m.self {
		return
	}
	last, _ := d.m.table.known(author, addr, n.Meta)
	d.m.table.arrive(Member{Author: author, Name: last.name, Addr: addr, Alive: true, Since: time.Now()})
	d.m.carrier.telling.stir(time.Now(), soonTold)
}

// NotifyUpdate takes in what a member says of itself now.
func (d *delegate) NotifyUpdate(n *memberlist.Node) { d.NotifyJoin(n) }

// NotifyLeave marks a member as gone: dead or left, memberlist does not say which.
func (d *delegate) NotifyLeave(n *memberlist.Node) {
	if author, _, err := nodeOf(n); err == nil && author != d.m.self {
		d.m.table.leave(author, time.Now())
		d.m.carrier.stir(contents{kinds: 1 << kindDead})
	}
}

// NotifyConflict counts an announcement of a live member from another address.
func (d *delegate) NotifyConflict(existing, other *memberlist.Node) {
	d.m.conflicts.Add(1)
	author, addr, err := nodeOf(other)
	if err == nil && author == d.m.self && d.m.table.firstTwin(addr) {
		d.m.log.Warn("another address announces our key: an earlier address of ours, or a second node with it", "addr", addr)
	}
}

// AckPayload returns nothing.
func (d *delegate) AckPayload() []byte { return nil }

// NotifyPingComplete takes note of a probe's answer. The next probe begins after it.
func (d *delegate) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, _ []byte) {
	if author, err := crdt.ParseAuthor(n.Name); err == nil {
		d.m.table.answered(author, rtt, time.Now())
	}
	d.m.carrier.probing.wait(d.m.carrier.done, func() bool { return true })
}

// NotifyMsg takes in adverts.
func (d *delegate) NotifyMsg(b []byte) {
	adverts, err := parseAdverts(b)
	if err != nil {
		d.m.badAdverts.Add(1)
		return
	}
	d.m.hints.put(adverts)
}

// leastMessage is fewer bytes than any message has that adverts could be added to.
const leastMessage = 8

// GetBroadcasts returns one message of adverts. Where there is room for a packet of nothing else, it is the loop of
// rumours that asks, and it has none of its own.
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte {
	if limit > d.m.conf.UDPBufferSize-leastMessage {
		d.m.carrier.telling.wait(d.m.carrier.done, d.m.board.empty)
	}
	if msg := d.m.board.message(limit-overhead, transmissions(d.m.table.alive())); msg != nil {
		return [][]byte{msg}
	}
	return nil
}

// LocalState returns the root of our digest.
func (d *delegate) LocalState(bool) []byte {
	root := d.m.cfg.Root()
	return root[:]
}

// MergeRemoteState compares a peer's root with ours.
func (d *delegate) MergeRemoteState(b []byte, _ bool) {
	if len(b) == len(crdt.Hash{}) && crdt.Hash(b) != d.m.cfg.Root() {
		d.m.hints.putRoot()
	}
}

// hints keeps the largest advert of each author until somebody takes them.
type hints struct {
	arrived chan struct{}

	mu sync.Mutex
	// The fields below are guarded by mu.

	adverts     map[crdt.Author]Advert
	rootDiffers bool
}

func newHints() *hints {
	return &hints{arrived: make(chan struct{}, 1), adverts: make(map[crdt.Author]Advert)}
}

func (h *hints) put(adverts []Advert) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range adverts {
		last, known := h.adverts[a.Author]
		if known && last.next() >= a.next() || !known && len(h.adverts) >= maxAdverts {
			continue
		}
		h.adverts[a.Author] = a
	}
	signal(h.arrived)
}

func (h *hints) putRoot() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rootDiffers = true
	signal(h.arrived)
}

func (h *hints) take() ([]Advert, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	adverts := make([]Advert, 0, len(h.adverts))
	for _, a := range h.adverts {
		adverts = append(adverts, a)
	}
	differs := h.rootDiffers
	clear(h.adverts)
	h.rootDiffers = false
	return adverts, differs
}
