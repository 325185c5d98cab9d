package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find/findtest"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

// running is a node that runs until stop is called or the test ends.
type running struct {
	*node.Node
	dir  string
	stop func()
}

// run starts a node in dir. When it ends, its log is opened again and verified.
func run(t testing.TB, cfg node.Config) *running {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	return runAt(t, cfg)
}

// runAt is run for a node that listens where cfg says.
func runAt(t testing.TB, cfg node.Config) *running {
	t.Helper()
	cfg.Profile = gossip.Local
	if cfg.Secret == nil {
		cfg.Secret = bytes.Repeat([]byte{1}, transport.SecretSize)
	}
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run %s: %v", cfg.Dir, err)
		}
		verify(t, cfg.Dir)
	})
	t.Cleanup(stop)
	return &running{n, cfg.Dir, stop}
}

// verify opens the log of a node that does not run, and verifies it.
func verify(t testing.TB, dir string) {
	t.Helper()
	c := connect(t, dir)
	report, err := c.Verify(context.Background(), nil)
	if err != nil || !report.OK {
		t.Errorf("verify %s: %v, %q", dir, err, report.Problems)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func connect(t testing.TB, dir string) *client.Client {
	t.Helper()
	c, err := node.Connect(context.Background(), dir, node.Access{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newNode makes a node's folder: of a new log when log is zero.
func newNode(t testing.TB, log crdt.LogID) (string, crdt.LogID) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	_, id, err := node.Init(node.Birth{Dir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return dir, id
}

// await reads arrivals until the node holds that many entries.
func await(t *testing.T, dir string, entries uint64) {
	t.Helper()
	c := connect(t, dir)
	defer c.Close()
	var start uint64
	for line, err := range c.Tail(t.Context(), api.Query{Offset: &start}) {
		if err != nil {
			t.Fatal(err)
		}
		_, offset, err := line.Entry()
		if err != nil {
			t.Fatal(err)
		}
		if *offset+1 == entries {
			return
		}
	}
}

func appendLine(t *testing.T, dir, line string) []crdt.Place {
	t.Helper()
	c := connect(t, dir)
	defer c.Close()
	var places []crdt.Place
	for p, err := range c.Append(t.Context(), strings.NewReader(line)) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	return places
}

// hash returns the frontier hash of a node.
func hash(t *testing.T, dir string) crdt.Hash {
	t.Helper()
	c := connect(t, dir)
	defer c.Close()
	f, err := c.Frontier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f.Hash
}

// TestCluster holds three nodes in one process: each writes, one leaves, writes offline and comes back,
// and in the end all hold the same.
func TestCluster(t *testing.T) {
	a, log := newNode(t, crdt.LogID{})
	b, _ := newNode(t, log)
	c, _ := newNode(t, log)
	na := run(t, node.Config{Dir: a, Name: "a", Log: log})
	join := []string{na.Addr().String()}
	run(t, node.Config{Dir: b, Name: "b", Join: join})
	nc := run(t, node.Config{Dir: c, Name: "c", Join: join})
	dirs := []string{a, b, c}

	const each = 100
	var writing sync.WaitGroup
	for i, dir := range dirs {
		writing.Go(func() {
			var lines strings.Builder
			for j := range each {
				fmt.Fprintf(&lines, "{\"kind\":\"k\",\"payload\":[%d,%d]}\n", i, j)
			}
			if got := len(appendLine(t, dir, lines.String())); got != each {
				t.Errorf("node %d: %d places, want %d", i, got, each)
			}
		})
	}
	writing.Wait()
	for _, dir := range dirs {
		await(t, dir, 3*each)
	}

	nc.stop()
	appendLine(t, a, `{"kind":"meanwhile"}`)
	if got := appendLine(t, c, `{"kind":"offline"}`); len(got) != 1 || got[0].Seq != each {
		t.Errorf("offline: %v, want seq %d", got, each)
	}
	run(t, node.Config{Dir: c, Name: "c", Join: join})
	for _, dir := range dirs {
		await(t, dir, 3*each+2)
	}
	if ha, hb, hc := hash(t, a), hash(t, b), hash(t, c); ha != hb || hb != hc {
		t.Errorf("frontier hashes %s, %s, %s", ha, hb, hc)
	}
	client := connect(t, a)
	defer client.Close()
	members, err := client.Members(t.Context())
	if err != nil || len(members) != 3 || members[0].State != "self" {
		t.Errorf("members %+v, %v", members, err)
	}
	links, err := client.Links(t.Context())
	if err != nil || len(links) != 2 || links[0].Author == links[1].Author || links[0].Received+links[1].Received == 0 {
		t.Errorf("links %+v, %v", links, err)
	}
	status, err := client.Status(t.Context())
	if err != nil || !status.Running || status.Entries != 3*each+2 || status.PID != os.Getpid() || !status.Writable {
		t.Errorf("status %+v, %v", status, err)
	}
}

// TestRejoin stops all nodes and starts them again without telling them of each other.
func TestRejoin(t *testing.T) {
	a, log := newNode(t, crdt.LogID{})
	b, _ := newNode(t, log)
	na := run(t, node.Config{Dir: a, Name: "a"})
	nb := run(t, node.Config{Dir: b, Name: "b", Join: []string{na.Addr().String()}})
	appendLine(t, a, `{"kind":"before"}`)
	await(t, b, 1)
	awaitSource(t, "configured", b)
	na.stop()
	nb.stop()
	peers, err := folder.Folder(b).ReadPeers(time.Now())
	if err != nil || len(peers) != 1 || peers[0].Author != na.Author() || peers[0].Name != "a" || !slices.Contains(peers[0].Addrs, na.Addr().String()) {
		t.Fatalf("b remembers %+v, %v", peers, err)
	}
	runAt(t, node.Config{Dir: a, Name: "a", Listen: na.Addr().String()})
	run(t, node.Config{Dir: b, Name: "b"})
	appendLine(t, a, `{"kind":"after"}`)
	await(t, b, 2)
	awaitSource(t, "remembered", b)
}

// awaitSource waits until one of the nodes has a member from a source.
func awaitSource(t *testing.T, source string, dirs ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var clients []*client.Client
	for _, dir := range dirs {
		c := connect(t, dir)
		defer c.Close()
		clients = append(clients, c)
	}
	for {
		for i, c := range clients {
			members, err := c.Members(ctx)
			if err != nil {
				t.Fatalf("no member of %s is %s: %v", dirs[i], source, err)
			}
			if slices.ContainsFunc(members, func(m api.Member) bool { return m.Source == source }) {
				return
			}
		}
	}
}

// TestMulticast has two nodes find each other on a local network, without an address; a third, of another
// log, is left alone.
func TestMulticast(t *testing.T) {
	if !findtest.Alone(t, "link set lo up",
		"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up",
		"addr add 10.77.0.1/24 dev v0", "route add 224.0.0.0/4 dev v0",
	) {
		return
	}
	a, log := newNode(t, crdt.LogID{})
	b, _ := newNode(t, log)
	c, _ := newNode(t, crdt.LogID{})
	cfg := node.Config{MDNS: true, Listen: "0.0.0.0:0"}
	for _, dir := range []string{a, b, c} {
		cfg.Dir = dir
		runAt(t, cfg)
	}
	appendLine(t, a, `{"kind":"heard"}`)
	await(t, b, 1)
	awaitSource(t, "mdns", a, b)
	client := connect(t, c)
	defer client.Close()
	if members, err := client.Members(t.Context()); err != nil || len(members) != 1 {
		t.Errorf("members of another log: %+v, %v", members, err)
	}
}

// TestStopEndsCalls stops a node while clients append and tail.
func TestStopEndsCalls(t *testing.T) {
	dir, _ := newNode(t, crdt.LogID{})
	n := run(t, node.Config{Dir: dir})
	c := connect(t, dir)
	lines, into := net.Pipe()
	defer into.Close()
	begun, ended := make(chan struct{}), make(chan error, 2)
	go func() {
		var last error
		for _, err := range c.Append(context.Background(), lines) {
			if err == nil {
				close(begun)
			}
			last = err
		}
		ended <- last
	}()
	go func() {
		var last error
		for _, err := range c.Tail(context.Background(), api.Query{}) {
			last = err
		}
		ended <- last
	}()
	if _, err := into.Write([]byte("{\"kind\":\"k\"}\n")); err != nil {
		t.Fatal(err)
	}
	<-begun
	n.stop()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a call to a node that stopped ended without an error")
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 5 {
		t.Errorf("left in the folder: %q", left)
	}
}

// TestConnectWaits has a client come while another process has the log open, which then lets go.
func TestConnectWaits(t *testing.T) {
	dir, _ := newNode(t, crdt.LogID{})
	key, err := folder.Folder(dir).ReadKey()
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(dir, eventlog.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := node.Connect(ctx, dir, node.Access{})
		result <- err
	}()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait ended with %v", err)
	}
	go func() {
		c, err := node.Connect(t.Context(), dir, node.Access{})
		if err == nil {
			err = c.Close()
		}
		result <- err
	}()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("the log was let go: %v", err)
	}
}
