package gossip

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// OtherLogError says that a peer holds another log: nothing can be exchanged with it.
type OtherLogError struct {
	Peer         crdt.Author
	Theirs, Ours crdt.LogID
}

func (e *OtherLogError) Error() string {
	return fmt.Sprintf("peer %s holds log %s, this node log %s", e.Peer.Short(), e.Theirs, e.Ours)
}

// OtherVersionError says that a peer speaks another version of the protocol.
type OtherVersionError struct {
	Peer         crdt.Author
	Theirs, Ours uint16
}

func (e *OtherVersionError) Error() string {
	return fmt.Sprintf("peer %s speaks version %d of the sync protocol, this node version %d", e.Peer.Short(), e.Theirs, e.Ours)
}

// errGenesis says that a peer sent a genesis that is not the one its log's id was made from.
var errGenesis = errors.New("genesis does not belong to the log's id")

// ByeError says that the peer closed the stream, and why.
type ByeError struct {
	Code wire.Code
	Text string
}

func (e *ByeError) Error() string {
	if e.Text == "" {
		return "peer closed the stream: " + e.Code.String()
	}
	return fmt.Sprintf("peer closed the stream: %s: %q", e.Code, e.Text)
}

// maxHeldHeads bounds the heads of the peer's own feed that a hello names.
const maxHeldHeads = 64

// ownFeatures is what this program can do, whatever its configuration.
const ownFeatures = wire.FeatureZstd | wire.FeatureConditions | wire.FeatureTime | wire.FeatureWho | wire.FeatureReceipts | wire.FeatureProgram |
	wire.FeaturePage

// ownHello returns the hello that goes to a peer.
func (g *Gossip) ownHello(peer crdt.Author) wire.Hello {
	log := g.log
	h := wire.Hello{Version: wire.Version, Features: ownFeatures, Instance: g.instance, Log: log.ID(), Name: g.cfg.Name}
	if g.cfg.Transients != nil {
		h.Features |= wire.FeatureTransient
	}
	if g, known := log.Genesis(); known {
		h.Genesis = g.Encode()
	}
	heads := log.Feed(peer).Heads()
	h.Held = heads[max(0, len(heads)-maxHeldHeads):]
	return h
}

// greet exchanges hellos. Both sides send first, so that two that cannot talk both learn why.
func greet(conn net.Conn, peer crdt.Author, own wire.Hello, timeout time.Duration) (wire.Hello, error) {
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return wire.Hello{}, fmt.Errorf("greet: %w", err)
	}
	if _, err := conn.Write(wire.Append(nil, own)); err != nil {
		return wire.Hello{}, fmt.Errorf("send hello: %w", err)
	}
	m, _, err := wire.ReadFrame(conn, false)
	if other, ok := errors.AsType[*wire.VersionError](err); ok {
		return wire.Hello{}, &OtherVersionError{Peer: peer, Theirs: other.Version, Ours: own.Version}
	}
	if err != nil {
		return wire.Hello{}, fmt.Errorf("read hello: %w", err)
	}
	switch m := m.(type) {
	case wire.Hello:
		if m.Log != own.Log {
			return m, &OtherLogError{Peer: peer, Theirs: m.Log, Ours: own.Log}
		}
		return m, conn.SetDeadline(time.Time{})
	case wire.Bye:
		return wire.Hello{}, &ByeError{Code: m.Code, Text: m.Text}
	}
	return wire.Hello{}, fmt.Errorf("read hello: %w: it begins with %s", wire.ErrMalformed, m.Kind())
}

// learnGenesis checks the genesis in a hello, and makes it known to a log that was created with only an id.
func learnGenesis(log Log, h wire.Hello) error {
	if len(h.Genesis) == 0 {
		return nil
	}
	g, err := crdt.ParseGenesis(h.Genesis)
	if err != nil {
		return fmt.Errorf("%w: %w", errGenesis, err)
	}
	if g.Log() != log.ID() {
		return errGenesis
	}
	if _, known := log.Genesis(); known {
		return nil
	}
	if err := log.SetGenesis(g); err != nil {
		return fmt.Errorf("keep genesis: %w", err)
	}
	return nil
}
