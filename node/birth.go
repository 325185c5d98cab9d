package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// Birth says what [Init] makes. Only Dir is required.
type Birth struct {
	// Dir is the folder, which is made unless it is there.
	Dir string
	// Name is what people call the node.
	Name string
	// Log is the id of a log that exists already. Its genesis comes with the first peer's hello and
	// is checked against the id; entries can be written before that. Zero for a new log.
	Log crdt.LogID
	// Genesis is what the log began with, where it is known. Nil for a new log, or to learn it.
	Genesis *crdt.Genesis
}

// ErrOtherLog is returned where a log is not the one that was named: by [Init] for a genesis whose hash
// is not the id, by [New] for a folder that holds another log than its configuration says.
var ErrOtherLog = errors.New("another log")

// Init makes a node in a new folder: a key, a log with nothing in it, and quipu.yaml. It refuses a folder
// that holds any part of a node. When it fails it takes away what it has made; one that is killed on
// the way leaves parts without a key, and the next one says that they can be removed.
func Init(b Birth) (crdt.Author, crdt.LogID, error) {
	if err := b.complete(); err != nil {
		return crdt.Author{}, crdt.LogID{}, err
	}
	f := folder.Folder(b.Dir)
	if err := f.Make(); err != nil {
		return crdt.Author{}, crdt.LogID{}, err
	}
	author, err := b.fill(f)
	if err != nil {
		for _, path := range []string{f.Key(), f.Log(), f.Seen(), f.Config()} {
			if failed := os.Remove(path); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
		return crdt.Author{}, crdt.LogID{}, err
	}
	return author, b.Log, nil
}

// complete finds the log's id and genesis, or says that the two do not belong together.
func (b *Birth) complete() error {
	if b.Log.IsZero() && b.Genesis == nil {
		b.Genesis = new(crdt.Genesis)
		_, _ = rand.Read(b.Genesis.Random[:]) // never fails, see crypto/rand
	}
	if b.Genesis == nil {
		return nil
	}
	id := b.Genesis.Log()
	if !b.Log.IsZero() && b.Log != id {
		return fmt.Errorf("init: %w: the genesis is that of log %s, not %s", ErrOtherLog, id, b.Log)
	}
	b.Log = id
	return nil
}

// fill writes the parts of a node into an empty folder. The key is the last: a crash on the way leaves
// parts in which nothing was ever written, and no node.
func (b *Birth) fill(f folder.Folder) (crdt.Author, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return crdt.Author{}, fmt.Errorf("make key: %w", err)
	}
	log, err := eventlog.Create(b.Dir, eventlog.Birth{Genesis: b.Genesis, Log: b.Log}, eventlog.Config{Key: key})
	if err != nil {
		return crdt.Author{}, err
	}
	if err := log.Close(); err != nil {
		return crdt.Author{}, err
	}
	if err := f.WriteConfig(folder.Config{Name: b.Name, Log: b.Log.String()}); err != nil {
		return crdt.Author{}, err
	}
	return crdt.AuthorOf(key), f.WriteKey(key)
}
