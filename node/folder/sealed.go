package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/keyform"
)

// sealWork is the logarithm of the work of scrypt, as age has it: about a second and 256 MiB. What asks for more is not
// opened: it would be somebody else's.
const sealWork = 18

// Sealed is what of a folder leaves it sealed by a passphrase only: a file of age, in which there is JSON.
type Sealed struct {
	// Key is the text of the key file: one that has a passphrase of its own keeps that.
	Key []byte `json:"key"`
	// Secret is the folder's own cluster secret, as its file has it; nil for none.
	Secret []byte `json:"secret,omitempty"`
}

// ErrUnsealed is returned by [Unseal] where no passphrase is to be had.
var ErrUnsealed = errors.New("no passphrase to open it with")

// Seal seals the folder's key, which is to be that of author, and its secret. P opens the key where its file does not show
// whose it is.
func (f Folder) Seal(author crdt.Author, p Passphrase, passphrase []byte) ([]byte, error) {
	key, err := f.KeyFile()
	if err != nil {
		return nil, err
	}
	if err := key.IsOf(author, p); err != nil {
		return nil, err
	}
	s := Sealed{Key: key.text}
	if _, err := ReadSecret(f.Secret()); err == nil {
		s.Secret, err = (&part{path: f.Secret(), most: MaxSecret, private: true}).read()
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return seal(s, passphrase)
}

func seal(s Sealed, passphrase []byte) ([]byte, error) {
	to, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	to.SetWorkFactor(sealWork)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return b.Bytes(), nil
}

// Unseal opens what [Folder.Seal] has made, and is called name for whoever is asked for the passphrase. It returns
// [ErrUnsealed] where there is none, and [keyform.ErrPassphrase] for one that does not open it. A person is asked three
// times.
func Unseal(sealed []byte, name string, p Passphrase) (s Sealed, err error) {
	if p.Text == "" && p.File == "" && p.Ask == nil {
		return s, ErrUnsealed
	}
	for try := 0; ; try++ {
		if s, err = unseal(sealed, name, p, try); !errors.Is(err, keyform.ErrPassphrase) || !p.asks() || try+1 == maxTries {
			return s, err
		}
	}
}

func unseal(sealed []byte, name string, p Passphrase, try int) (s Sealed, err error) {
	passphrase, err := p.of(name, try)
	if err != nil {
		return s, err
	}
	from, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return s, fmt.Errorf("open %s: %w", name, err)
	}
	from.SetMaxWorkFactor(sealWork)
	r, err := age.Decrypt(bytes.NewReader(sealed), from)
	if err != nil {
		return s, fmt.Errorf("open %s: %w: %s is another one, or it is damaged", name, keyform.ErrPassphrase, p.source())
	}
	text, err := io.ReadAll(r)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("open %s: what is sealed is damaged, or no key: %w", name, err)
	}
	return s, nil
}

// IsOf says why the key in the file is not that of author, or nil.
func (k *KeyFile) IsOf(author crdt.Author, p Passphrase) error {
	var is crdt.Author
	if k.Public != nil {
		is = crdt.Author(k.Public)
	} else {
		key, err := k.Open(p)
		if err != nil {
			return err
		}
		is = crdt.AuthorOf(key)
	}
	if is != author {
		return fmt.Errorf("%w: %s has the key of author %s, the log is written by %s", ErrOthersKey, k.file.path, is, author)
	}
	return nil
}

// ErrOthersKey is wrapped where a key is not that of the author who writes a log.
var ErrOthersKey = errors.New("another author's key")
