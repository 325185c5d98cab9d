package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/gateway"
)

// DefaultListen is where a node listens unless told otherwise: on this machine alone.
const DefaultListen = "127.0.0.1:7946"

// Config says who a node is and where it listens. Only Dir is required.
type Config struct {
	// Dir is the node's folder, which [Init] has made.
	Dir string

	// Passphrase opens the node's key where that is sealed.
	Passphrase folder.Passphrase

	// Name is what people call the node. Default: the first 8 digits of its author.
	Name string

	// Log is the id that the log must have. The zero id lets any pass.
	Log crdt.LogID

	// Listen is the HOST:PORT that peers connect to, TCP and UDP; port 0 takes a free one. Default:
	// DefaultListen.
	Listen string

	// Advertise is the HOST:PORT that peers are told, where it differs from Listen; see
	// [gossip.Config].
	Advertise string

	// HTTP says where the node is asked over the network, by whom it has given a token. Default: nowhere.
	HTTP gateway.Config

	// Join says where members are: HOST:PORT, or a name in the notation of package find, such as
	// dns+NAME:PORT. They are tried for as long as the node runs, and so is where members were in
	// earlier runs.
	Join []string

	// MDNS announces the node on the networks of this machine, and joins the nodes of its log that it
	// hears there.
	MDNS bool

	// Secret is the cluster secret, 32 bytes. Default: that in the folder's file "secret", which is made
	// unless it is there.
	Secret []byte

	// SecretFrom is where Secret is from, for messages.
	SecretFrom string

	// Open does without a secret: everybody on this machine can read and write the log, and the node
	// listens on loopback alone.
	Open bool

	// Limits bound what others may take up here.
	Limits Limits

	// Trim is what the node forgets, and what it takes without its body from others. The members of one
	// log had better agree on it.
	Trim eventlog.TrimPolicy

	// TrimEvery is how often the log is trimmed, the first time at the start. Default: an hour.
	// Negative: only when asked to.
	TrimEvery time.Duration

	// Drain is how long the end of the context of [Node.Run] waits at most until other nodes hold the entries
	// of this one. Meanwhile nothing is appended through the socket, and replication goes on. Default: 0, it
	// does not wait.
	Drain time.Duration

	// RecoverAfter is how long a node that may not know the end of its own feed waits for a member that is not
	// linked and not heard of, and for a place to join, before it goes on without, on record. Default: 0, for ever.
	RecoverAfter time.Duration

	// TrimWaits keeps back from a trim what a member of the last 30 days is not known to have, up to
	// Trim.MaxHold.
	TrimWaits bool
	// NoTransients keeps transient events from going to peers and coming from them; those who listen at
	// this node hear what is broadcast here all the same. Default: they go and come.
	NoTransients bool
	// NoIndex keeps and uses no index of subjects and kinds: a query that names some reads the whole log.
	NoIndex bool

	// Profile says how far apart the members are. Default: gossip.LAN.
	Profile gossip.Profile

	// Network is what connections to peers are made of. Default: the host's own network.
	Network transport.Network

	// Now is the wall clock, by which entries are written and age. Default: time.Now.
	Now func() time.Time

	// Version is shown to whoever asks for the status, and told to linked peers.
	Version string

	// Settings are what is told to who asks what the node runs with: what whoever made this configuration made it of, without
	// secrets. Nothing goes by them.
	Settings []api.Setting

	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Listen = cmp.Or(c.Listen, DefaultListen)
	c.TrimEvery = cmp.Or(c.TrimEvery, time.Hour)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// validate names the first field that cannot be used.
func (c Config) validate() error {
	if c.Dir == "" {
		return errors.New("config: Dir is empty")
	}
	if err := c.Limits.validate(); err != nil {
		return err
	}
	if err := CheckListen(c.Listen); err != nil {
		return fmt.Errorf("config: Listen: %w", err)
	}
	if setting, err := c.HTTP.Wrong(); err != nil {
		return fmt.Errorf("config: HTTP: %s: %w", setting, err)
	}
	for _, place := range c.Join {
		if _, err := find.Parse(place); err != nil {
			return fmt.Errorf("config: Join: %w", err)
		}
	}
	return nil
}

// CheckListen says what is wrong with a text for Config.Listen.
func CheckListen(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: expected HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:7946, or :7946 for every address", text)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" {
		return fmt.Errorf("%q: a link-local address needs the name of an interface: expected [%s%%eth0]:%s", text, ip, port)
	}
	return nil
}
