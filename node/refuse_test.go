package node_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/folder"
)

// TestANodeIsNotOpenToAnyoneByDefault: system A took ops from whoever connected, unless it was told whom
// to trust. Here a node makes a secret unless it is given one, and one that does without can be reached from its own
// machine alone.
func TestANodeIsNotOpenToAnyoneByDefault(t *testing.T) {
	if at, err := netip.ParseAddrPort(node.DefaultListen); err != nil || !at.Addr().IsLoopback() {
		t.Errorf("a node listens at %s, %v", node.DefaultListen, err)
	}
	dir, _ := newNode(t, crdt.LogID{})
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		n, err := node.New(node.Config{Dir: dir, Listen: listen, Open: true})
		if !errors.Is(err, transport.ErrSecretRequired) {
			t.Errorf("listen at %s without a secret: %v", listen, err)
		}
		if err == nil {
			_ = n.Close()
		}
	}
	for _, given := range [][]byte{nil, make([]byte, 32)} {
		n, err := node.New(node.Config{Dir: dir, Listen: ":0", Secret: given})
		if err != nil {
			t.Fatalf("with a secret of %d bytes: %v", len(given), err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := folder.ReadSecret(folder.Folder(dir).Secret()); err != nil {
		t.Errorf("the secret that it made: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	dir, log := newNode(t, crdt.LogID{})
	if _, err := node.New(node.Config{}); err == nil {
		t.Error("no folder")
	}
	if _, err := node.New(node.Config{Dir: t.TempDir()}); !errors.Is(err, folder.ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
	other := log
	other[0] ^= 1
	if _, err := node.New(node.Config{Dir: dir, Log: other}); !errors.Is(err, node.ErrOtherLog) {
		t.Errorf("another log: %v", err)
	}
	// What New opened, it closed: the folder is free.
	n := run(t, node.Config{Dir: dir, Log: log})
	var inUse *node.InUseError
	if _, err := node.New(node.Config{Dir: dir, Listen: "127.0.0.1:0"}); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("a folder in use: %v", err)
	}
	second, _ := newNode(t, log)
	_, err := node.New(node.Config{Dir: second, Listen: n.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), n.Addr().String()) {
		t.Errorf("a port in use: %v", err)
	}
	if _, err := os.Stat(filepath.Join(second, "quipu.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a node that did not start left its pid file: %v", err)
	}
	once, err := node.New(node.Config{Dir: second, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := once.Run(ended); err != nil {
		t.Error(err)
	}
	if err := once.Run(ended); err == nil {
		t.Error("a node runs twice")
	}
}

func TestInitRefuses(t *testing.T) {
	g := crdt.Genesis{Random: [32]byte{1}}
	dir := filepath.Join(t.TempDir(), "n")
	if _, _, err := node.Init(node.Birth{Dir: dir, Genesis: &g, Log: crdt.LogID{1}}); !errors.Is(err, node.ErrOtherLog) {
		t.Errorf("a genesis of another log: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	// What fails late, at the configuration, leaves nothing.
	if _, _, err := node.Init(node.Birth{Dir: dir, Name: "\xff"}); err == nil {
		t.Error("the configuration has a name that is no text")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}
