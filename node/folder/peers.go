package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrPeers is returned by [Folder.ReadPeers] for a file that does not hold what it should.
var ErrPeers = errors.New("not a list of peers")

const (
	// peersVersion is the version of peers.json that is written and read.
	peersVersion = 1
	// maxPeersFile bounds the file in bytes.
	maxPeersFile = 1 << 20
	// MaxPeers bounds the peers that are remembered; those seen last stay.
	MaxPeers = 256
	// MaxPeerAddrs bounds the addresses that are remembered of one peer.
	MaxPeerAddrs = 4
	// PeerLife is how long a peer that is not seen is remembered.
	PeerLife = 30 * 24 * time.Hour
)

// Peer is another member as it was last seen.
type Peer struct {
	Author crdt.Author `json:"author"`
	Name   string      `json:"name,omitempty"` // what it called itself; it may be anything
	// Addrs is where it was, IP:PORT, the latest first.
	Addrs    []string  `json:"addrs"`
	LastSeen time.Time `json:"lastSeen"`
	// EqualOffset says that the peer held everything that this node's log held before that offset of
	// arrival, but for authors that either had shut; 0 if nothing is known. It means that as far as
	// Incarnation holds in the log.
	EqualOffset uint64 `json:"equalOffset,omitempty"`
	// Incarnation names the arrivals that EqualOffset counts, in hex; "" while nothing is known.
	Incarnation string `json:"incarnation,omitempty"`
}

// peersFile is peers.json.
type peersFile struct {
	Version int    `json:"version"`
	Peers   []Peer `json:"peers"`
}

// Peers returns the path of the peers that are remembered.
func (f Folder) Peers() string { return f.path("peers.json") }

// ReadPeers returns the peers that are remembered, those seen last first, without those that were last
// seen more than [PeerLife] before now. A folder without peers.json has none. Fields that are not known
// are skipped, and so are peers without an address. It returns [ErrPeers] for a file that makes no sense,
// which [Folder.SetPeersAside] gets out of the way.
func (f Folder) ReadPeers(now time.Time) ([]Peer, error) {
	file := part{path: f.Peers(), noun: "list of peers", expect: "the peers of earlier runs", most: maxPeersFile}
	b, err := file.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if spoilt, ok := errors.AsType[*partError](err); ok && spoilt.err == nil {
		err = fmt.Errorf("%w: %w", ErrPeers, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read peers: %w", err)
	}
	peers, err := parsePeers(b)
	if err != nil {
		return nil, fmt.Errorf("read peers: %s: %w: %w", f.Peers(), ErrPeers, err)
	}
	return KeepPeers(peers, now), nil
}

func parsePeers(b []byte) ([]Peer, error) {
	var read peersFile
	if err := json.Unmarshal(b, &read); err != nil {
		return nil, err
	}
	if read.Version != peersVersion {
		return nil, fmt.Errorf("expected version %d, got %d", peersVersion, read.Version)
	}
	return read.Peers, nil
}

// KeepPeers returns the peers that are worth remembering: each author once, with addresses that can be
// dialled, lately seen, those seen last first.
func KeepPeers(peers []Peer, now time.Time) []Peer {
	var kept []Peer
	peers = slices.SortedStableFunc(slices.Values(peers), func(a, b Peer) int { return b.LastSeen.Compare(a.LastSeen) })
	for _, p := range peers {
		p.Addrs = slices.DeleteFunc(slices.Clone(p.Addrs), func(a string) bool {
			addr, err := netip.ParseAddrPort(a)
			return err != nil || addr.Port() == 0
		})
		p.Addrs = p.Addrs[:min(len(p.Addrs), MaxPeerAddrs)]
		known := slices.ContainsFunc(kept, func(k Peer) bool { return k.Author == p.Author })
		if len(p.Addrs) > 0 && !known && now.Sub(p.LastSeen).Abs() <= PeerLife && len(kept) < MaxPeers {
			kept = append(kept, p)
		}
	}
	return kept
}

// WritePeers replaces the peers that are remembered, mode 0600; it leaves out what ReadPeers would. A
// crash leaves the old file or the new one.
func (f Folder) WritePeers(peers []Peer, now time.Time) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(peersFile{Version: peersVersion, Peers: append([]Peer{}, KeepPeers(peers, now)...)}); err != nil {
		return fmt.Errorf("write peers: %w", err)
	}
	if err := whole.Write(f.Peers(), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write peers: %w", err)
	}
	return nil
}

// SetPeersAside renames a peers.json that makes no sense, and returns what it is called now. A file that
// was set aside before is replaced.
func (f Folder) SetPeersAside() (string, error) {
	aside := f.Peers() + ".broken"
	if err := os.Rename(f.Peers(), aside); err != nil {
		return "", fmt.Errorf("set peers aside: %w", err)
	}
	return aside, nil
}
