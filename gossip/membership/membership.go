package membership

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/memberlist"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
)

// MostPeers bounds [Config.MaxPeers]: a push carries both sorts of members, and some that have gone.
const MostPeers = 1500

// Config says who a member is and how it talks.
type Config struct {
	Key       ed25519.PrivateKey
	Log       crdt.LogID
	Name      string         // for people; at most MaxName bytes of UTF-8
	Advertise netip.AddrPort // where peers reach this node
	Transport *transport.Transport
	Profile   Profile
	Root      func() crdt.Hash // the root that push and pull carry; must not wait
	Logger    *slog.Logger     // nil discards
	// MaxPeers bounds the members that are taken in: as many of those that have made a stream with this
	// node, and as many of those that it only hears of. Default: 1024; at most MostPeers.
	MaxPeers int
}

// Membership is this node's part in the membership. Its methods may be called from any goroutine.
type Membership struct {
	cfg     Config
	self    crdt.Author
	log     *slog.Logger
	carrier *carrier
	table   *table
	hints   *hints
	board   *board
	conf    *memberlist.Config

	badAnnouncements, staleAnnouncements, badAdverts, conflicts atomic.Uint64

	started chan struct{} // closed when list is set
	list    *memberlist.Memberlist

	mu sync.Mutex
	// The field below is guarded by mu.

	counter uint64 // of our next announcement
}

// New returns a membership of one. Nothing runs before [Membership.Run].
func New(cfg Config) (*Membership, error) {
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	cfg.MaxPeers = cmp.Or(cfg.MaxPeers, 1024)
	if len(cfg.Name) > MaxName || !utf8.ValidString(cfg.Name) {
		return nil, fmt.Errorf("config: Name: expected at most %d bytes of UTF-8, got %q", MaxName, cfg.Name)
	}
	if err := cfg.Profile.Check(); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	m := &Membership{
		cfg:     cfg,
		self:    crdt.AuthorOf(cfg.Key),
		log:     cfg.Logger,
		table:   newTable(cfg.MaxPeers),
		hints:   newHints(),
		board:   &board{waiting: make(map[crdt.Author]*posted)},
		started: make(chan struct{}),
		counter: uint64(max(time.Now().UnixMilli(), 1)),
	}
	m.conf = m.config()
	var err error
	if m.carrier, err = newCarrier(cfg, m.table, m.conf.TCPTimeout); err != nil {
		return nil, err
	}
	m.conf.Transport = m.carrier
	m.conf.UDPBufferSize = packetSize - m.carrier.seal.overhead() - uncounted
	return m, nil
}

// config returns memberlist's configuration, but for the carrier.
func (m *Membership) config() *memberlist.Config {
	d := &delegate{m: m}
	c := memberlist.DefaultLANConfig()
	m.cfg.Profile.tune(c)
	c.Name = m.self.String()
	c.EnableCompression = false // LZW runs at 50 MB/s
	c.DeadNodeReclaimTime = time.Second
	c.Delegate, c.Events, c.Alive, c.Ping, c.Conflict = d, d, d, d, d
	c.Logger = logger(m.log)
	return c
}

// leaveTime bounds how long leaving waits for somebody to be told.
const leaveTime = 500 * time.Millisecond

// Run takes part until ctx ends, then tells the others and stops. The transport must run, and go on
// running until Run has returned; packets are read until it is closed, which ends [Membership.Pump].
func (m *Membership) Run(ctx context.Context) error {
	list, err := memberlist.Create(m.conf)
	if err != nil {
		return fmt.Errorf("start membership: %w", err)
	}
	m.list = list
	close(m.started)
	var asking sync.WaitGroup
	asking.Go(func() { m.askOnceMore(ctx) })
	m.repeatAnnouncements(ctx)
	asking.Wait()
	m.carrier.telling.stir(time.Now(), soonTold)
	if err := list.Leave(leaveTime); err != nil {
		m.log.Debug("left without having told anybody", "err", err)
	}
	if err := list.Shutdown(); err != nil {
		return fmt.Errorf("stop membership: %w", err)
	}
	return nil
}

// Pump feeds memberlist with what arrives on the transport. It returns when the transport is closed.
func (m *Membership) Pump(ctx context.Context) {
	var pumps sync.WaitGroup
	pumps.Go(func() { m.carrier.pumpStreams(ctx) })
	m.carrier.pumpPackets()
	pumps.Wait()
}

// announcePause is the least time between two announcements, so that two nodes with one key do not
// outbid each other without end.
const announcePause = 2 * time.Second

// repeatAnnouncements announces this node again whenever a peer turns out to know a newer
// announcement of ours than the one we made, until ctx ends.
func (m *Membership) repeatAnnouncements(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.table.outbid:
		}
		m.carrier.telling.stir(time.Now(), soonTold)
		if err := m.list.UpdateNode(time.Second); err != nil {
			m.log.Debug("announcement reached nobody yet", "err", err)
		}
		pause := time.NewTimer(announcePause)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// askAgain is how long after the start all that is known is exchanged with one more member. Of many that come at once a
// rumour or two are lost, and the exchanges at rest are a minute apart among 50.
const askAgain = 20 * time.Second

// askOnceMore exchanges all that is known with some member askAgain from now, unless ctx ends before.
func (m *Membership) askOnceMore(ctx context.Context) {
	timer := time.NewTimer(askAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	others := slices.DeleteFunc(m.Members(), func(other Member) bool { return !other.Alive })
	if len(others) == 0 {
		return
	}
	one := others[rand.IntN(len(others))]
	if err := m.Join(ctx, one.Author, one.Addr); err != nil {
		m.log.Debug("nobody was asked again who is there", "err", err)
	}
}

// announcement returns what we say of ourselves now.
func (m *Membership) announcement() announcement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return announcement{author: m.self, addr: m.cfg.Advertise, counter: m.counter, name: m.cfg.Name}
}

// outbid takes note that somebody knows an announcement of ours with a counter that is not below the
// one in use, but is not the one in use. It reports whether that was news.
func (m *Membership) outbid(seen uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seen < m.counter {
		return false
	}
	m.counter = seen + 1
	signal(m.table.outbid)
	return true
}

// errStopped is returned by [Membership.Join] when the membership is over.
var errStopped = errors.New("membership is stopped")

// Join exchanges tables with the node at addr, which must be author. It waits for [Membership.Run] to
// have begun. The deadline of ctx is not looked at while the exchange runs; it takes at most the
// profile's stream timeout.
func (m *Membership) Join(ctx context.Context, author crdt.Author, addr netip.AddrPort) error {
	select {
	case <-m.started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return errStopped
	}
	if _, err := m.list.Join([]string{author.String() + "/" + addr.String()}); err != nil {
		return fmt.Errorf("join %s at %s: %w", author.Short(), addr, err)
	}
	return nil
}

// Met says that a stream with author was made for another use. Those of the membership are seen here.
func (m *Membership) Met(author crdt.Author) { m.table.meet(author, time.Now()) }

// Doubt says that a member may have gone: its stream broke without a word.
func (m *Membership) Doubt() { m.carrier.probing.stir(time.Now(), alarm) }

// Advertise tells others that this node holds heads of author's feed, sorted by (next, id). The
// caller has made sure that it does, durably.
func (m *Membership) Advertise(author crdt.Author, heads []crdt.Head) {
	if len(heads) > 0 {
		m.board.post(Advert{Author: author, Heads: heads})
		m.carrier.telling.stir(time.Now(), 0)
	}
}

// Members returns the members that are known, this node left out, by author.
func (m *Membership) Members() []Member { return m.table.snapshot() }

// Member returns what is known of one author.
func (m *Membership) Member(a crdt.Author) (Member, bool) { return m.table.member(a) }

// Changed returns a channel that receives when [Membership.Members] may have changed. There is one
// channel, for one receiver.
func (m *Membership) Changed() <-chan struct{} { return m.table.changed }

// Hinted returns a channel that receives when [Membership.Hints] has something. There is one channel,
// for one receiver.
func (m *Membership) Hinted() <-chan struct{} { return m.hints.arrived }

// Hints hands over the hints since the last call: adverts, the largest of each author, and whether
// some member was seen to have a root other than ours.
func (m *Membership) Hints() (adverts []Advert, rootDiffers bool) { return m.hints.take() }

// Counts says how often things were refused since the start.
type Counts struct {
	BadAnnouncements   uint64 // not signed by the author they name
	StaleAnnouncements uint64 // older than the one known
	TooMany            uint64 // announcements of new members that there was no place for
	BadAdverts         uint64 // messages that are no adverts
	Conflicts          uint64 // announcements of a live member from another address
	Unsealed           uint64 // packets and messages on streams that our secret does not open, from anybody
	BadMessages        uint64 // of those it opens, what no member sends
	Crowded            uint64 // streams and pings for others past what a node has time for
}

// Counts returns how often things were refused.
func (m *Membership) Counts() Counts {
	return Counts{
		BadAnnouncements: m.badAnnouncements.Load(), StaleAnnouncements: m.staleAnnouncements.Load(), TooMany: m.table.tooMany.Load(),
		BadAdverts: m.badAdverts.Load(), Conflicts: m.conflicts.Load(),
		Unsealed: m.carrier.unsealed.Load(), BadMessages: m.carrier.badMessages.Load(), Crowded: m.carrier.crowded.Load(),
	}
}

// Twin returns the address, not ours, that last announced our key, and when; the zero time if none did. It
// may be an earlier one of this node: whoever answers there must be seen.
func (m *Membership) Twin() (addr netip.AddrPort, seen time.Time) {
	m.table.mu.Lock()
	defer m.table.mu.Unlock()
	return m.table.twin, m.table.twinAt
}

// signal puts a token into a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
