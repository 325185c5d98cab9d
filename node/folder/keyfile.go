package folder

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/keyform"
)

// keyExpected is what a key file should hold.
const keyExpected = "an Ed25519 private key, in PKCS#8 PEM or as ssh-keygen writes it"

// KeyFile is a file with a private key, not yet opened.
type KeyFile struct {
	*keyform.Private
	file *part
	text []byte
}

// ReadKeyFile reads the key file at path. It returns [ErrMode] for one that others may read or write: whoever
// has read it can sign as its owner.
func ReadKeyFile(path string) (*KeyFile, error) {
	return readKeyFile(&part{path: path, noun: "key file", expect: keyExpected, most: keyform.MaxFile, private: true})
}

func (f Folder) keyFile() *part {
	return &part{
		path: f.Key(), noun: "key file", expect: "the key of this node, " + keyExpected, most: keyform.MaxFile, private: true,
		ways: "bring it back from a copy; without it this node's feed has ended, and quipu init --log ID makes a new node of the same log in another folder",
	}
}

// KeyFile reads the folder's own key file, as [ReadKeyFile] does.
func (f Folder) KeyFile() (*KeyFile, error) { return readKeyFile(f.keyFile()) }

func readKeyFile(file *part) (*KeyFile, error) {
	text, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return parseKeyFile(file, text)
}

// ParseKeyFile returns the key file whose text is known, and which is called name in messages.
func ParseKeyFile(name string, text []byte) (*KeyFile, error) {
	return parseKeyFile(&part{path: name, noun: "key file", expect: keyExpected}, text)
}

func parseKeyFile(file *part, text []byte) (*KeyFile, error) {
	private, err := keyform.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", file.noKey(err))
	}
	return &KeyFile{private, file, text}, nil
}

// noKey says what the file is that is not the key which was expected.
func (p *part) noKey(err error) error {
	wrong, ok := errors.AsType[*keyform.FormError](err)
	if !ok {
		return &partError{p, fmt.Sprintf("cannot be opened (%v)", err), nil}
	}
	with := *p
	with.ways = cmp.Or(wrong.Way, p.ways)
	return with.wrong(wrong.Found)
}

// Open returns the key, with the passphrase that p says if it is sealed. It returns [ErrSealed] where there is
// none to be had, and [keyform.ErrPassphrase] for one that does not open it. A person is asked three times.
func (k *KeyFile) Open(p Passphrase) (ed25519.PrivateKey, error) {
	for try := 0; ; try++ {
		key, err := k.open(p, try)
		if !errors.Is(err, keyform.ErrPassphrase) || !p.asks() || try+1 == maxTries {
			return key, err
		}
	}
}

func (k *KeyFile) open(p Passphrase, try int) (key ed25519.PrivateKey, err error) {
	var passphrase []byte
	if k.Sealed {
		if passphrase, err = p.of(k.file.path, try); err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
	}
	key, err = k.Private.Open(passphrase)
	switch {
	case errors.Is(err, keyform.ErrPassphrase):
		return nil, fmt.Errorf("read key: %s: %w: %s is another key's, or the file is damaged", k.file.path, err, p.source())
	case err != nil:
		return nil, fmt.Errorf("read key: %w", k.file.noKey(err))
	}
	return key, nil
}

// ReadKey reads the node's key where it is not sealed; see [Folder.OpenKey].
func (f Folder) ReadKey() (ed25519.PrivateKey, error) { return f.OpenKey(Passphrase{}) }

// OpenKey reads the node's key, with the passphrase that p says if it is sealed.
func (f Folder) OpenKey(p Passphrase) (ed25519.PrivateKey, error) {
	file, err := f.KeyFile()
	if err != nil {
		return nil, err
	}
	return file.Open(p)
}

// WriteKey writes the node's key to the folder, mode 0600, not sealed. It never replaces one. A crash leaves all
// of it or nothing that counts.
func (f Folder) WriteKey(key ed25519.PrivateKey) error {
	text, err := keyform.Plain(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return f.writeKey(text)
}

// CopyKey is [Folder.WriteKey] for the text of a file: what is sealed stays so.
func (f Folder) CopyKey(file *KeyFile) error { return f.writeKey(file.text) }

func (f Folder) writeKey(text []byte) error {
	if _, err := os.Lstat(f.Key()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write key: %s: %w", f.Key(), errors.Join(fs.ErrExist, err))
	}
	if err := whole.Write(f.Key(), text, 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}

// ExportKey writes the text of a key to a new file at path, mode 0600. It replaces nothing, and follows no link;
// where it fails there is no file.
func ExportKey(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = whole.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write key: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
