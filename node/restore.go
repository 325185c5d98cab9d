package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/restore"
	"github.com/quipulog/quipu/node/folder"
)

// Restoration says what [Restore] makes. Dir is required.
type Restoration struct {
	// Dir is the folder, which is made unless it is there.
	Dir string
	// KeyFile is a file with the key of who wrote the log, which is copied as it is. Default: the key that is sealed in the
	// backup.
	KeyFile string
	// NewKey makes the node one of its own instead, which has written nothing and holds all.
	NewKey bool
	// Passphrase opens KeyFile where that is sealed, Unseal what is sealed in the backup: the key, where it is needed, and
	// the secret.
	Passphrase, Unseal folder.Passphrase
	// Progress is called from time to time with how many entries of how many are restored; nil for nobody.
	Progress func(done, total uint64)
}

// Restored says what [Restore] has made.
type Restored struct {
	restore.Restored
	// Secret says that the node has the cluster secret that it had.
	Secret bool
	// Configured says that it has the configuration that it had, and not one in which all has its default.
	Configured bool
}

// ErrNoKey is returned by [Restore] where nothing says with which key the node is to write.
var ErrNoKey = errors.New("no key to write with")

// Restore makes a node of the backups of a chain, in their order, in a new folder: its log, its configuration, where
// members were. It may not know the end of its own feed, and asks the members before it appends, unless it has a new key.
//
// It refuses a folder that holds any part of a node, but for a secret. When it fails it takes away what it has made; one
// that is killed leaves no node, and the next takes away what it has left. Its errors are those of [restore.Into], wrap
// [ErrNoKey], [folder.ErrOthersKey] or [folder.ErrUnsealed], or are those of reading a key.
func Restore(ctx context.Context, r Restoration, backups ...io.Reader) (done Restored, err error) {
	p := restoring{Restoration: r}
	if err := p.readKey(); err != nil {
		return done, err
	}
	stage, err := folder.Folder(r.Dir).Stage()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, stage.Drop()) }()
	o := restore.Options{Key: p.own, Begin: p.begin, Progress: r.Progress}
	if done.Restored, err = restore.Into(ctx, string(stage.Folder()), o, backups...); err != nil {
		return Restored{}, err
	}
	if err := p.fill(stage.Folder(), &done); err != nil {
		return Restored{}, err
	}
	return done, stage.Keep()
}

// restoring is a restore on its way.
type restoring struct {
	Restoration
	own    ed25519.PrivateKey // the new one; nil for that of who wrote the log
	file   *folder.KeyFile    // that is copied; nil for a new key
	sealed folder.Sealed      // what was opened of the backup
}

// readKey reads or makes the key that the node is to have, unless that is in the backup.
func (p *restoring) readKey() (err error) {
	switch {
	case p.NewKey:
		if _, p.own, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return fmt.Errorf("make key: %w", err)
		}
	case p.KeyFile != "":
		p.file, err = folder.ReadKeyFile(p.KeyFile)
	}
	return err
}

// begin finds the key, before anything is restored.
func (p *restoring) begin(chain []backup.Summary) error {
	author := chain[len(chain)-1].Author
	var sealed []byte
	for _, s := range chain {
		if s.Key != nil {
			sealed = s.Key
		}
	}
	given := p.own != nil || p.file != nil
	if sealed == nil && !given {
		return fmt.Errorf("%w: the backup has none", ErrNoKey)
	}
	// Where only the secret is to be had of it, nobody is asked.
	if sealed != nil && (!given || p.Unseal.File != "") {
		if err := p.unseal(sealed, author); err != nil {
			return err
		}
	}
	if p.KeyFile == "" {
		return nil
	}
	return p.file.IsOf(author, p.Passphrase)
}

// unseal opens what is sealed in the backup.
func (p *restoring) unseal(sealed []byte, author crdt.Author) (err error) {
	const name = "the sealed key of the backup"
	if p.sealed, err = folder.Unseal(sealed, name, p.Unseal); err != nil || p.own != nil || p.file != nil {
		return err
	}
	if p.file, err = folder.ParseKeyFile(name, p.sealed.Key); err != nil || p.file.Public == nil {
		return err // whose it is was looked at when it was sealed
	}
	return p.file.IsOf(author, folder.Passphrase{})
}

// fill writes what the node has besides its log. The key is the last.
func (p *restoring) fill(f folder.Folder, done *Restored) error {
	for _, file := range done.Files {
		known, err := f.PutKept(file.Name, file.Data)
		if err != nil {
			return err
		}
		done.Configured = done.Configured || known && f.IsConfig(file.Name)
	}
	if !done.Configured {
		if err := f.WriteConfig(folder.Config{Log: done.Log.String()}); err != nil {
			return err
		}
	}
	if done.Secret = p.sealed.Secret != nil; done.Secret {
		if err := f.PutSecret(p.sealed.Secret); err != nil {
			return err
		}
	}
	if p.own != nil {
		return f.WriteKey(p.own)
	}
	return f.CopyKey(p.file)
}
