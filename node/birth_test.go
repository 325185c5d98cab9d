package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/keyform"
)

// TestUsedKeyIsAReason: a key that is there already may have written to a log that is joined, and to none that
// begins here; a new one to neither.
func TestUsedKeyIsAReason(t *testing.T) {
	first, id := newNode(t, crdt.LogID{})
	genesis := &crdt.Genesis{Random: [32]byte{1}}
	used := folder.Folder(first).Key()
	for name, c := range map[string]struct {
		birth node.Birth
		asks  bool
	}{
		"a new log":              {node.Birth{}, false},
		"a new log, used key":    {node.Birth{KeyFile: used}, false},
		"joined":                 {node.Birth{Log: id}, false},
		"joined, used key":       {node.Birth{Log: id, KeyFile: used}, true},
		"by genesis, used key":   {node.Birth{Genesis: genesis, KeyFile: used}, true},
		"genesis, id, used key":  {node.Birth{Genesis: genesis, Log: genesis.Log(), KeyFile: used}, true},
		"by genesis and new key": {node.Birth{Genesis: genesis}, false},
	} {
		c.birth.Dir = filepath.Join(t.TempDir(), "n")
		author, _, err := node.Init(c.birth)
		if err != nil {
			t.Fatal(err)
		}
		key, err := folder.Folder(c.birth.Dir).ReadKey()
		if err != nil {
			t.Fatal(err)
		}
		log, err := eventlog.Open(c.birth.Dir, eventlog.Config{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		why := log.Recovering()
		if asks := why != nil && why.Why == eventlog.WhyKey; asks != c.asks || why != nil && !asks || author != log.Author() {
			t.Errorf("%s: recovering %v", name, why)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSealedNode makes a node of a sealed key, and opens it as a program and as a command do.
func TestSealedNode(t *testing.T) {
	first, _ := newNode(t, crdt.LogID{})
	key, err := folder.Folder(first).ReadKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyform.Seal(key, keyform.PKCS8, []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	file, phrase := filepath.Join(first, "sealed"), filepath.Join(first, "phrase")
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(phrase, []byte("correct horse\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "n")
	wrong := node.Birth{Dir: dir, KeyFile: file, Passphrase: folder.Passphrase{Text: "battery staple"}}
	if _, _, err := node.Init(wrong); !errors.Is(err, keyform.ErrPassphrase) {
		t.Fatalf("another passphrase: %v", err)
	}
	right := wrong
	right.Passphrase = folder.Passphrase{File: phrase}
	if author, _, err := node.Init(right); err != nil || author != crdt.AuthorOf(key) {
		t.Fatalf("%v, %v", author, err)
	}
	if _, err := node.New(node.Config{Dir: dir, Open: true}); !errors.Is(err, folder.ErrSealed) {
		t.Fatalf("a program that says no passphrase: %v", err)
	}
	run(t, node.Config{Dir: dir, Passphrase: folder.Passphrase{Text: "correct horse"}}).stop()
	// A command reads in quipu.yaml where the passphrase is, and says one itself where that is lost.
	c := connect(t, dir)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(phrase); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Connect(t.Context(), dir, node.Access{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file with the passphrase is lost: %v", err)
	}
}
