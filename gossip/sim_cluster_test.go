package gossip_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/gossiptest"
)

// simulation is a cluster on its way through a scenario, inside one bubble. One goroutine, that of run,
// makes the events happen; only writers and tails run beside it.
type simulation struct {
	t     testing.TB
	sc    scenario
	flaw  flaw
	dir   string
	net   *gossiptest.Network
	nodes map[string]*simNode
	names []string // of nodes, in the order they came to be
	began time.Time
	story []string // what has happened, in words
	last  string   // how the nodes stood when an invariant broke

	slowest time.Duration // from a heal until all was settled
	backups map[*simNode]*simBackup
	keys    int // that were made for nodes that had another
	lost    int // entries that were acked, and lost with the only folder that held them
	list    atomic.Pointer[[]*simNode]

	mu sync.Mutex
	// The fields below are guarded by mu.

	written int     // entries that were handed in, anywhere: it makes each payload another
	acked   []acked // every entry that a node took
	broken  error   // by a writer, a tail or an asking
	// excuses says of authors why they may have written twice at one place.
	excuses  map[crdt.Author]string
	troubled time.Time // when what the network does was last changed
}

// acked is an entry that a node said it took.
type acked struct {
	by     string
	author crdt.Author
	seq    uint64
	sum    [32]byte // of its payload
}

// flaw is a fault put into a simulation to see it caught. The zero flaw is none.
type flaw struct {
	// log, if set, stands between a node's gossip and its log.
	log func(node string, l gossip.Log) gossip.Log
	// acksUnsynced makes a node ack what a power cut then takes away.
	acksUnsynced bool
	// tailSkips makes the tail of a node miss the entry with that offset.
	tailSkips map[string]uint64
	// tailTrusts makes tails go on by their offsets, whatever the log says of their cursors.
	tailTrusts bool
	// forgets makes a folder that was put back forget that it was.
	forgets bool
	// peers, if set, stands between a node's log and those whom it asks where its feed ends.
	peers func(*simNode) eventlog.AskedPeers
}

// simBroken is an invariant that does not hold.
type simBroken struct {
	invariant string
	what      string
}

func (e *simBroken) Error() string { return e.invariant + ": " + e.what }

// The invariants, and what must hold at any time.
const (
	simRuns     = "nodes run"                  // nothing stops a node or its log but its operator
	simAppends  = "honest nodes append"        // only one to which something happened may not
	simReopens  = "logs reopen"                // after a power cut
	simConverge = "frontiers equal"            // in bounded time after a heal
	simCopies   = "both copies stop"           // a node that was copied, and its copy
	simEnds     = "feeds go on at their end"   // behind all that anybody holds who can be asked, and in bounded time
	simVerifies = "logs verify"                // each of them
	simSame     = "logs are the same"          // every entry, mark and branch on every node
	simHeld     = "no acked entry lost"        // each is on every node
	simForks    = "no number twice"            // but for an excuse: then both hashes are marked disputed
	simTails    = "tails miss nothing"         // every entry once, in arrival order
	simQuiet    = "a settled cluster is quiet" // nothing is fetched twice for ever
	simMemory   = "memory bounded"             // goroutines, connections, members
)

func brokenf(invariant, format string, args ...any) error {
	return &simBroken{invariant, fmt.Sprintf(format, args...)}
}

// newSimulation makes the nodes of a scenario, with empty logs below dir. None runs yet.
func newSimulation(t testing.TB, sc scenario, f flaw, dir string) *simulation {
	s := &simulation{
		t: t, sc: sc, flaw: f, dir: dir, net: gossiptest.NewNetwork(sc.seed), nodes: make(map[string]*simNode), began: time.Now(),
		backups: make(map[*simNode]*simBackup), excuses: make(map[crdt.Author]string),
	}
	s.net.SetDelay(time.Millisecond, 5*time.Millisecond)
	for i := range sc.nodes {
		n := s.newNode(simName(i), i)
		genesis := testGenesis
		l, err := eventlog.Create(n.dir, eventlog.Birth{Genesis: &genesis}, n.logConfig())
		if err == nil {
			err = l.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// newNode adds a node that writes with the n-th key. Each joins the first two and the one before it.
func (s *simulation) newNode(name string, key int) *simNode {
	n := &simNode{sim: s, name: name, dir: filepath.Join(s.dir, name), tail: &simTail{}}
	n.setKey(key)
	n.tail.node = n
	s.net.Host(name)
	for _, i := range []int{0, 1, max(key-1, 0)} {
		if peer := simName(i); peer != name && i < s.sc.nodes {
			n.join = append(n.join, s.addr(peer))
		}
	}
	slices.Sort(n.join)
	n.join = slices.Compact(n.join)
	s.nodes[name] = n
	s.names = append(s.names, name)
	all := make([]*simNode, len(s.names))
	for i, name := range s.names {
		all[i] = s.nodes[name]
	}
	s.list.Store(&all)
	return n
}

func (s *simulation) addr(name string) string { return s.net.Host(name).Addr().String() + port }

// run starts all and goes through the scenario until an invariant breaks.
func (s *simulation) run() error {
	for _, n := range s.all() {
		if err := n.start(); err != nil {
			return err
		}
	}
	for _, step := range s.sc.steps {
		time.Sleep(step.after)
		s.tell("%s", step.event)
		if err := cmp.Or(step.event.do(s), s.noted()); err != nil {
			return err
		}
	}
	return nil
}

// close ends what still runs.
func (s *simulation) close() {
	for _, n := range s.all() {
		if n.log != nil {
			_ = n.stop()
		}
	}
	time.Sleep(2 * time.Minute) // what memberlist and dials left behind ends by its own timeouts
}

// tell adds a line to the story.
func (s *simulation) tell(format string, args ...any) {
	line := fmt.Sprintf("%9.3fs  ", time.Since(s.began).Seconds()) + fmt.Sprintf(format, args...)
	s.story = append(s.story, line)
	if os.Getenv("QUIPU_TEST_LOG") != "" {
		fmt.Fprintln(s.t.Output(), line)
	}
}

// note keeps the first error that is no nil.
func (s *simulation) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = cmp.Or(s.broken, err)
}

// noted returns what was noted.
func (s *simulation) noted() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// all returns the nodes in the order they came to be.
func (s *simulation) all() []*simNode { return slices.Clone(*s.list.Load()) }

// batch returns events like no others, with payloads of about size bytes.
func (s *simulation) batch(n *simNode, entries, size int) []crdt.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := make([]crdt.Event, entries)
	for i := range events {
		s.written++
		payload := fmt.Appendf(nil, `{"by":%q,"n":%d,"pad":%q}`, n.name, s.written, bytes.Repeat([]byte{'x'}, size))
		events[i] = crdt.Event{Kind: "sim", Time: time.Now(), Payload: payload}
	}
	return events
}

// ack writes down what a node took.
func (s *simulation) ack(n *simNode, events []crdt.Event, first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range events {
		s.acked = append(s.acked, acked{n.name, n.author(), first + uint64(i), sha256.Sum256(e.Payload)})
	}
}

// clone copies the folder of a node, as it is between two commits, without a trace, and has both append, so that their
// feed has forked before they meet. The copy is not started.
func (s *simulation) clone(name, twin string) error {
	n := s.nodes[name]
	c := s.newNode(twin, n.key)
	c.skew.Store(n.skew.Load())
	n.copyFolder(c.dir)
	eventlogtest.Disguise(s.t, c.dir)
	s.excuse(n.author(), "copied, and nobody can see it")
	n.unsure.Store(true)
	c.unsure.Store(true)
	var err error
	if c.log, err = eventlog.Open(c.dir, c.logConfig()); err != nil {
		return brokenf(simReopens, "%s: %v", twin, err)
	}
	return cmp.Or(c.append(2, 20), n.append(3, 20), c.closeLog())
}

// describe says how the nodes stand.
func (s *simulation) describe() string {
	var b strings.Builder
	for _, n := range s.all() {
		fmt.Fprintf(&b, "  %s (%s):", n.name, n.author().Short())
		if n.log == nil {
			b.WriteString(" down\n")
			continue
		}
		for a, heads := range n.log.Frontier().All() {
			fmt.Fprintf(&b, " %s", a.Short())
			for _, h := range heads {
				fmt.Fprintf(&b, "/%d", h.Next)
			}
		}
		if n.Gossip != nil {
			for _, m := range n.Members() {
				fmt.Fprintf(&b, "\n      sees %s %s: %s, linked %v, behind %d", m.Author.Short(), m.Name, m.State, m.Linked, m.Behind)
			}
			fmt.Fprintf(&b, "\n      %+v", n.Status().Counts)
		}
		b.WriteString("\n")
	}
	return b.String()
}
