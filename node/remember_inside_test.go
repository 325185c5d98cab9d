package node

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/node/folder"
)

// noon is the beginning of these tests' time.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// seconds returns a time after noon.
func seconds(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Second))) }

// counted is a log's arrivals: those of names in upto hold up to there, those of name do.
type counted struct {
	name string
	upto map[string]uint64
}

func (c *counted) Incarnation() string { return c.name }

func (c *counted) Common(incarnation string, offset uint64) uint64 {
	if incarnation == c.name {
		return offset
	}
	return min(offset, c.upto[incarnation])
}

func recallIn(t *testing.T, f folder.Folder, now time.Time) (*memory, *bytes.Buffer) {
	t.Helper()
	var lines bytes.Buffer
	return recall(f, &counted{name: "0a"}, now, slog.New(slog.NewTextHandler(&lines, nil))), &lines
}

// member returns the n-th member at an address, whose digest was seen equal at a time.
func member(n byte, addr string, equal time.Time) gossip.Member {
	author := crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)))
	return gossip.Member{Author: author, Name: "n" + string('0'+n), Addr: netip.MustParseAddrPort(addr), State: gossip.Alive, EqualAt: equal}
}

// What an equality tells counts only up to what the log had held for a while by then, and never less
// than it did before.
func TestEqualOffset(t *testing.T) {
	m, _ := recallIn(t, folder.Folder(t.TempDir()), noon)
	author := member(1, "10.0.0.1:1", noon).Author
	for _, c := range []struct {
		at    float64 // of the look, in seconds
		next  uint64
		equal float64 // of the member, in seconds; 0: never
		want  uint64
	}{
		{0, 10, 0, 0},
		{2, 20, 1.9, 0},    // 10 had been there for 1.9 s
		{4, 30, 3.9, 10},   // 10 for 3.9 s, 20 for 1.9 s
		{6, 40, 4.0, 20},   // 20 for 2 s
		{8, 50, 4.0, 20},   // nothing new
		{20, 60, 4.0, 20},  // the looks at that time are forgotten
		{22, 70, 22.0, 60}, // 60 for 2 s
		{24, 80, 0, 60},    // a new link, and nothing compared yet
	} {
		equal := time.Time{}
		if c.equal > 0 {
			equal = seconds(c.equal)
		}
		m.look(seconds(c.at), c.next, []gossip.Member{member(1, "10.0.0.1:1", equal)}, nil)
		if got := m.peers[author]; got.EqualOffset != c.want || (got.Incarnation == "0a") != (c.want > 0) {
			t.Errorf("after %v s: offset %d of %q, want %d", c.at, got.EqualOffset, got.Incarnation, c.want)
		}
	}
}

// Offsets of another incarnation say nothing; the addresses still do.
func TestOtherIncarnation(t *testing.T) {
	f := folder.Folder(t.TempDir())
	p := folder.Peer{Author: member(1, "10.0.0.1:1", noon).Author, Addrs: []string{"10.0.0.1:1"}, LastSeen: noon, EqualOffset: 7, Incarnation: "0b"}
	if err := f.WritePeers([]folder.Peer{p}, noon); err != nil {
		t.Fatal(err)
	}
	m, _ := recallIn(t, f, noon)
	p.EqualOffset, p.Incarnation = 0, ""
	if diff := cmp.Diff(p, m.peers[p.Author]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Offsets of an earlier incarnation count as far as it holds, and so do those that were remembered when the log's
// arrivals begin anew under a node that runs.
func TestEarlierIncarnation(t *testing.T) {
	f := folder.Folder(t.TempDir())
	peers := make([]folder.Peer, 2)
	for i, offset := range []uint64{3, 9} {
		n := byte(i + 1)
		peers[i] = folder.Peer{Author: member(n, "10.0.0.1:1", noon).Author, Addrs: []string{"10.0.0.1:1"}, LastSeen: noon, EqualOffset: offset, Incarnation: "0b"}
	}
	if err := f.WritePeers(peers, noon); err != nil {
		t.Fatal(err)
	}
	log := &counted{name: "0a", upto: map[string]uint64{"0b": 7}}
	m := recall(f, log, noon, slog.New(slog.DiscardHandler))
	want := func(name string, offsets ...uint64) {
		t.Helper()
		for i, offset := range offsets {
			if p := m.peers[peers[i].Author]; p.EqualOffset != offset || p.Incarnation != name {
				t.Errorf("peer %d: offset %d of %q, want %d of %q", i+1, p.EqualOffset, p.Incarnation, offset, name)
			}
		}
	}
	want("0a", 3, 7)
	log.name, log.upto = "0c", map[string]uint64{"0a": 5}
	m.look(seconds(1), 20, nil, nil)
	want("0c", 3, 5)
	m.look(seconds(4), 20, []gossip.Member{member(1, "10.0.0.1:1", seconds(3.9))}, nil)
	want("0c", 20, 5)
	m.write(seconds(5))
	m = recall(f, log, noon, slog.New(slog.DiscardHandler))
	want("0c", 20, 5)
	log.name = "0d"
	m.look(seconds(9), 20, nil, nil)
	want("", 0, 0)
}

// Of a member, where it says it is, where it was joined and where it was before are remembered. Whoever
// has left is kept as it was, or taken in as of when it was there.
func TestRememberedAddresses(t *testing.T) {
	f := folder.Folder(t.TempDir())
	m, _ := recallIn(t, f, noon)
	a, b := member(1, "10.0.0.1:1", time.Time{}), member(2, "10.0.0.2:1", time.Time{})
	seeds := []gossip.Seed{
		{Addr: "192.0.2.1:1", Source: find.Configured, Joined: true, Peer: a.Author},
		{Addr: "name:1", Source: find.Configured, Joined: true, Peer: a.Author},
		{Addr: "192.0.2.3:1", Source: find.DNS, Peer: a.Author},
		{Addr: "192.0.2.2:1", Source: find.DNS, Joined: true, Peer: b.Author},
	}
	m.look(seconds(1), 0, []gossip.Member{a, b}, seeds)
	b.State = gossip.Dead
	c := member(3, "10.0.0.3:1", time.Time{})
	c.State, c.Heard = gossip.Left, seconds(1.5)
	a.Addr = netip.MustParseAddrPort("10.0.0.9:1")
	m.look(seconds(2), 0, []gossip.Member{a, b, c}, nil)
	m.write(seconds(2))
	again, _ := recallIn(t, f, seconds(3))
	want := []gossip.Remembered{
		{Author: a.Author, Name: a.Name, Seen: seconds(2), Addrs: []string{"10.0.0.9:1", "10.0.0.1:1", "192.0.2.1:1"}},
		{Author: c.Author, Name: c.Name, Seen: seconds(1.5), Addrs: []string{"10.0.0.3:1"}},
		{Author: b.Author, Name: b.Name, Seen: seconds(1), Addrs: []string{"10.0.0.2:1", "192.0.2.2:1"}},
	}
	if diff := cmp.Diff(want, again.remembered()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := again.peers[b.Author].LastSeen; !got.Equal(seconds(1)) {
		t.Errorf("b was last seen at %s", got)
	}
}

// The file is written when there is news: being still there is news only now and then.
func TestWhatIsNews(t *testing.T) {
	m, _ := recallIn(t, folder.Folder(t.TempDir()), noon)
	a := []gossip.Member{member(1, "10.0.0.1:1", time.Time{})}
	for _, c := range []struct {
		at   float64
		news bool
	}{{0, true}, {2, false}, {3599, false}, {3600, true}, {3602, false}} {
		m.look(seconds(c.at), 0, a, nil)
		if m.changed != c.news {
			t.Errorf("after %v s: news %v", c.at, m.changed)
		}
		if m.changed {
			m.write(seconds(c.at))
		}
	}
}

// A file that makes no sense is set aside and said to be so; one that cannot be read or written is left
// alone. Neither stops anything.
func TestBrokenMemory(t *testing.T) {
	f := folder.Folder(t.TempDir())
	if err := os.WriteFile(f.Peers(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, lines := recallIn(t, f, noon)
	if b, err := os.ReadFile(f.Peers() + ".broken"); err != nil || string(b) != "{" || len(m.remembered()) != 0 ||
		strings.Count(lines.String(), "level=WARN") != 1 || !strings.Contains(lines.String(), "peers.json.broken") {
		t.Errorf("%q, %v, %v:\n%s", b, err, m.remembered(), lines)
	}
	if err := os.MkdirAll(f.Peers()+"/in the way", 0o700); err != nil {
		t.Fatal(err)
	}
	m, lines = recallIn(t, f, noon)
	m.look(noon, 0, []gossip.Member{member(1, "10.0.0.1:1", time.Time{})}, nil)
	m.write(seconds(1))
	m.write(seconds(31))
	if strings.Count(lines.String(), "level=WARN") != 2 || !m.changed {
		t.Errorf("news %v:\n%s", m.changed, lines)
	}
	if _, err := os.Stat(f.Peers() + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file is left: %v", err)
	}
}
