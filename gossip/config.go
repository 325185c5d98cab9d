package gossip

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/membership"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wire"
)

// Profile says what the network between the nodes is like.
type Profile = membership.Profile

// The profiles.
const (
	LAN   = membership.LAN
	Local = membership.Local
	WAN   = membership.WAN
)

// Config says who a node is, where it listens and whom it joins. Log, Key and Listen are required; the
// zero value of every other field means its default.
type Config struct {
	// Log is what is kept equal among the members.
	Log Log

	// Key is the node's Ed25519 key; its public half is the log's author.
	Key ed25519.PrivateKey

	// Name is what people call this node: at most membership.MaxName bytes, cut if longer; bytes that
	// are no UTF-8 become question marks. Default: the short form of the author.
	Name string

	// Secret is the cluster secret: transport.SecretSize bytes, or nil for none. Without one the
	// node listens on loopback only.
	Secret []byte

	// SecretFrom says where the secret is from, for the error of a peer that has another. Default: nothing is said.
	SecretFrom string

	// DialOnly makes a node that takes no port and is no member: it links with whom it dials, by [Gossip.Exchange],
	// and nobody else can reach it or knows of it. Listen, Advertise and Join are not looked at.
	DialOnly bool

	// Listen is the HOST:PORT of streams and packets; port 0 takes a free one.
	Listen string

	// Advertise is the HOST:PORT that peers are told, where it is not the one listened on; a name is looked up once,
	// by New; port 0 is the port listened on. Default: the address listened on; if that is every address of the
	// machine, the one that it has towards the rest of the world, or else its first private or first global one.
	Advertise string

	// Join says where other nodes are: HOST:PORT, or names in the notation of package find, such as
	// dns+NAME:PORT. What they lead to is dialled until it is a member, and again when it has gone.
	// At most 256, of them find.MaxNames names.
	Join []string

	// Remembered is the members of earlier runs. Their addresses are dialled as what Join names, less and less often,
	// at most 256 of them; the members are among those that others are told of, and that [Gossip.AskOwnEnd] asks.
	Remembered []Remembered

	// MDNS announces this node on the networks of this machine, and joins the nodes of its log that
	// it hears there. Default: no.
	MDNS bool

	// Resolver looks up the names in Join and Advertise. Default: the host's.
	Resolver find.Resolver

	// Profile sets the intervals. Default: LAN.
	Profile Profile

	// Network is what connections are made of. Default: the host's own network.
	Network transport.Network

	// Logger receives what happens to members and links. Default: nothing is logged.
	Logger *slog.Logger

	// Page returns where the node is asked over HTTP, "" for nowhere: each peer is told once, after [Gossip.Run] has begun. Nil is nowhere.
	Page func() string

	// Transients is whose transient events go to peers, and who is told of theirs: most often the log.
	// Nil: none are sent, and none are taken. They reach the peers that are linked and those linked to
	// them, once, if they come through in time; nobody stores them.
	Transients Transients

	// Keeps is what this node does not forget, which its peers are told.
	Keeps Keeps

	// Version is that of this program, as peers are told: cut if longer than wire.MaxProgram bytes. Default: they are told
	// none.
	Version string

	// Now is the wall clock, which is held against those of the peers. Default: time.Now. What takes a while
	// is measured by the host's own clock.
	Now func() time.Time

	// MaxNewAuthors is how many authors one peer may bring in a minute; more have to wait. Default:
	// DefaultNewAuthors.
	MaxNewAuthors int

	// MaxPeers bounds the links, the members that have made one, and those that are only heard of.
	// Default: 1024; at most 1,500.
	MaxPeers int
}

// ErrNoAddress is returned by [New] when there is no address that peers could be told.
var ErrNoAddress = find.ErrNoAddress

// CheckAdvertise says what is wrong with a text for Config.Advertise.
func CheckAdvertise(text string) error { return find.CheckAdvertise(text) }

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Profile = cmp.Or(c.Profile, LAN)
	c.MaxNewAuthors = cmp.Or(c.MaxNewAuthors, DefaultNewAuthors)
	if c.Now == nil {
		c.Now = time.Now
	}
	c.MaxPeers = cmp.Or(c.MaxPeers, 1024)
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	c.Name, c.Version = nameFor(c.Name), clip.Start(strings.ToValidUTF8(c.Version, "?"), wire.MaxProgram)
	if c.Name == "" && len(c.Key) == ed25519.PrivateKeySize {
		c.Name = crdt.AuthorOf(c.Key).Short()
	}
	return c
}

// validate names the first field that cannot be used.
func (c Config) validate() error {
	switch {
	case c.Log == nil:
		return errors.New("config: Log is nil")
	case len(c.Key) != ed25519.PrivateKeySize:
		return fmt.Errorf("config: Key has %d bytes, not %d", len(c.Key), ed25519.PrivateKeySize)
	case crdt.AuthorOf(c.Key) != c.Log.Author():
		return fmt.Errorf("config: Key is that of author %s, the log is written by %s", crdt.AuthorOf(c.Key).Short(), c.Log.Author().Short())
	case c.MaxNewAuthors < 0:
		return fmt.Errorf("config: MaxNewAuthors is negative: %d", c.MaxNewAuthors)
	case c.MaxPeers < 0 || c.MaxPeers > membership.MostPeers:
		return fmt.Errorf("config: MaxPeers: expected at most %d, got %d", membership.MostPeers, c.MaxPeers)
	}
	if err := c.Profile.Check(); err != nil {
		return fmt.Errorf("config: Profile: %w", err)
	}
	if c.Advertise != "" {
		if err := CheckAdvertise(c.Advertise); err != nil {
			return fmt.Errorf("config: Advertise: %w", err)
		}
	}
	return nil
}
