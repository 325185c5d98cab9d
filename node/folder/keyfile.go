package folder

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrKeyMode is returned by [Folder.ReadKey] for a key file that others than its owner may read or
// write.
var ErrKeyMode = errors.New("the key file is open to others than its owner")

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
	if err := writeFile(f.Key(), pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}

// ReadKey reads the node's key. It returns [ErrKeyMode] for a file that others may read or write:
// whoever has read it can sign as this node, so the mode is for a person to judge, not to be mended
// here.
func (f Folder) ReadKey() (ed25519.PrivateKey, error) {
	file, err := os.Open(f.Key())
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if mode := stat.Mode().Perm(); mode&0o077 != 0 && modesMatter {
		return nil, fmt.Errorf("read key: %w: %s has mode %04o, not 0600; if nobody else has read it, chmod 600 it", ErrKeyMode, f.Key(), mode)
	}
	b, err := io.ReadAll(io.LimitReader(file, maxKey+1))
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("read key: %s: %w", f.Key(), err)
	}
	return key, nil
}

func parseKey(b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != keyBlock || len(b) > maxKey {
		return nil, errors.New("not a private key in PKCS#8 PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("not a private key in PKCS#8 PEM: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("expected an Ed25519 key, got %T", parsed)
	}
	return key, nil
}
