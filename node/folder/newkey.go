package folder

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/keyform"
)

// A new key comes to a node that has written in these steps, with the log locked from the first to the last:
//
//	KeepNewKey   quipu.key.new         the new key, beside the old one
//	             quipu.db              becomes the new author's, in one transaction (eventlog.Rekey)
//	TakeNewKey   quipu.key.former-…    a copy of the old key, which may be the only one
//	             quipu.key             becomes the new key
//	             quipu.key.new         is removed
//
// Whoever opens the log next, and so has its lock, knows by the key that the log opens with what a kill has left:
// quipu.key opens it, so quipu.key.new is not needed, or not any more; or quipu.key.new does, so that TakeNewKey is left
// to do. Each step can be done again.

func (f Folder) newKey() string { return f.Key() + ".new" }

// FormerKey returns the path at which the key of an author is kept who wrote in this folder before.
func (f Folder) FormerKey(author crdt.Author) string {
	return f.Key() + ".former-" + author.String()[:16]
}

// MakeNewKey returns a key that is to take the place of the folder's own, and the text of its file: in the same form, and
// sealed by the same passphrase where that is sealed.
func (f Folder) MakeNewKey(p Passphrase) (ed25519.PrivateKey, []byte, error) {
	old, err := f.KeyFile()
	if err != nil {
		return nil, nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	if !old.Sealed {
		text, err := keyform.Plain(key)
		return key, text, err
	}
	p = p.Remembered()
	if _, err := old.Open(p); err != nil {
		return nil, nil, err
	}
	passphrase, err := p.of(f.Key(), 0)
	if err != nil {
		return nil, nil, err
	}
	text, err := keyform.Seal(key, old.Form, passphrase)
	return key, text, err
}

// KeepNewKey puts a key beside the folder's own, mode 0600. The caller holds the log's lock.
func (f Folder) KeepNewKey(text []byte) error {
	if err := whole.Write(f.newKey(), text, 0o600); err != nil {
		return fmt.Errorf("keep new key: %w", err)
	}
	return nil
}

// OpenNewKey reads the key that was kept beside the folder's own. It returns an error that wraps [fs.ErrNotExist] where there is none.
func (f Folder) OpenNewKey(p Passphrase) (ed25519.PrivateKey, error) {
	file, err := readKeyFile(f.newKeyFile())
	if err != nil {
		return nil, err
	}
	return file.Open(p)
}

func (f Folder) newKeyFile() *part {
	return &part{
		path: f.newKey(), noun: "key file", expect: "the new key of this node, " + keyExpected, most: keyform.MaxFile, private: true,
		ways: "its log may open with this key alone: bring the file back",
	}
}

// TakeNewKey makes the key that was kept the folder's own, and keeps the old one, that of former, as a file of its own.
// The caller holds the log's lock, and has seen the log open with the new key.
func (f Folder) TakeNewKey(former crdt.Author) error {
	text, err := f.newKeyFile().read()
	if err != nil {
		return fmt.Errorf("take new key: %w", err)
	}
	old, err := f.keyFile().read()
	if err == nil {
		err = whole.Write(f.FormerKey(former), old, 0o600)
	}
	if err == nil {
		// At a link it is written where that leads.
		err = whole.Write(f.Key(), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("put the new key of this node, which its log is written with, in the place of the old one: %w; it stays in %s", err, f.newKey())
	}
	return f.DropNewKey()
}

// DropNewKey removes the key that was kept beside the folder's own, if there is one. The caller holds the log's lock, and
// has seen the log open with the folder's own key.
func (f Folder) DropNewKey() error {
	err := os.Remove(f.newKey())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = whole.SyncFolder(string(f))
	}
	if err != nil {
		return fmt.Errorf("remove a key that is not used: %w", err)
	}
	return nil
}
