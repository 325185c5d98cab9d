package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
	// KeyFile is a file with the key that the node is to write with. It is copied to the folder as it is: a sealed
	// one stays sealed, so that its owner's choice is not undone, and [New] needs the passphrase. Default: a new key.
	KeyFile string
	// Passphrase opens KeyFile where that is sealed. A file with it goes into quipu.yaml.
	Passphrase folder.Passphrase

	file   *folder.KeyFile // what KeyFile holds; nil for a new key
	begins bool            // the log does
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
	if b.KeyFile != "" {
		var err error
		if b.file, err = folder.ReadKeyFile(b.KeyFile); err != nil {
			return crdt.Author{}, crdt.LogID{}, err
		}
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
	if b.begins = b.Log.IsZero() && b.Genesis == nil; b.begins {
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
	key, keep, err := b.key(f)
	if err != nil {
		return crdt.Author{}, err
	}
	cfg, err := b.config()
	if err != nil {
		return crdt.Author{}, err
	}
	log, err := eventlog.Create(b.Dir, eventlog.Birth{Genesis: b.Genesis, Log: b.Log, UsedKey: b.file != nil && !b.begins}, eventlog.Config{Key: key})
	if err != nil {
		return crdt.Author{}, err
	}
	if err := log.Close(); err != nil {
		return crdt.Author{}, err
	}
	if err := f.WriteConfig(cfg); err != nil {
		return crdt.Author{}, err
	}
	return crdt.AuthorOf(key), keep()
}

// key returns the node's key, and what puts it into the folder.
func (b *Birth) key(f folder.Folder) (key ed25519.PrivateKey, keep func() error, err error) {
	if b.file != nil {
		key, err = b.file.Open(b.Passphrase)
		return key, func() error { return f.CopyKey(b.file) }, err
	}
	if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		err = fmt.Errorf("make key: %w", err)
	}
	return key, func() error { return f.WriteKey(key) }, err
}

// config returns what quipu.yaml says at first.
func (b *Birth) config() (folder.Config, error) {
	c := folder.Config{Name: b.Name, Log: b.Log.String()}
	if b.file == nil || !b.file.Sealed || b.Passphrase.File == "" {
		return c, nil
	}
	path, err := filepath.Abs(b.Passphrase.File)
	c.KeyPassphraseFile = path
	return c, err
}
