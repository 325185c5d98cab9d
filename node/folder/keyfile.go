package folder

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/eventlog/whole"
)

const (
	keyBlock = "PRIVATE KEY" // PKCS#8 (RFC 5958) in PEM (RFC 7468)
	maxKey   = 4 << 10       // bytes of a key file
)

// WriteKey writes the node's key to the folder, mode 0600. It never replaces one. A crash leaves all of
// it or nothing that counts.
func (f Folder) WriteKey(key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if _, err := os.Lstat(f.Key()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write key: %s: %w", f.Key(), errors.Join(fs.ErrExist, err))
	}
	if err := whole.Write(f.Key(), pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}

func (f Folder) keyFile() *part {
	return &part{
		path: f.Key(), noun: "key file", expect: "the private key of this node, Ed25519 in PKCS#8 PEM", most: maxKey, private: true,
		ways: "bring it back from a copy; without it this node's feed has ended, and quipu init --log ID makes a new node of the same log in another folder",
	}
}

// ReadKey reads the node's key. It returns [ErrMode] for a file that others may read or write: whoever
// has read it can sign as this node.
func (f Folder) ReadKey() (ed25519.PrivateKey, error) {
	file := f.keyFile()
	b, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", file.wrong(err.Error()))
	}
	return key, nil
}

func parseKey(b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != keyBlock {
		return nil, errors.New("is damaged")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("is damaged (%w)", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("holds a %T", parsed)
	}
	return key, nil
}
