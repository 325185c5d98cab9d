package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/eventlog/whole"
)

// secretSize is the length of a cluster secret in bytes; its file holds twice as many hex digits.
const secretSize = 32

// secretForm is what a secret's file is expected to hold, secretWays how to come by one.
const (
	secretForm = "64 hex digits"
	secretWays = "bring back the one that the other nodes of the log have; for a log's first node, openssl rand -hex 32 makes one"
)

// MaxSecret bounds the file of a secret, in bytes.
const MaxSecret = 4 << 10

// SecretPrint names a secret without giving it away: 16 hex digits, or "open" for none.
type SecretPrint string

// Open is the print of no secret.
const Open SecretPrint = "open"

// PrintOf returns the print of a secret, [Open] for nil.
func PrintOf(secret []byte) SecretPrint {
	if secret == nil {
		return Open
	}
	sum := sha256.Sum256(append([]byte("quipu/secret-print/v1\x00"), secret...))
	return SecretPrint(hex.EncodeToString(sum[:8]))
}

// Secret returns the path of the folder's own secret, which a node uses that is given no other.
func (f Folder) Secret() string { return f.path("secret") }

// secretPrint returns the path of the print of the secret that was used last.
func (f Folder) secretPrint() string { return f.path("secret.print") }

// ReadSecret reads a cluster secret: a file of 64 hex digits, with white space around them or not. It
// returns [ErrMode] for one that others may read or write. Errors never show what the file holds.
func ReadSecret(path string) ([]byte, error) {
	file := part{
		path: path, noun: "secret file", expect: secretForm, most: MaxSecret, private: true,
		ways: secretWays,
	}
	b, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return ParseSecret(path, b)
}

// ParseSecret reads a secret from what a pipe has brought that is called name; see [ReadSecret].
func ParseSecret(name string, b []byte) ([]byte, error) {
	b, err := bom.Strip(b)
	if err != nil {
		return nil, fmt.Errorf("read secret: %s: %w", name, err)
	}
	text := strings.TrimSpace(string(b))
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) != secretSize {
		return nil, fmt.Errorf("read secret: %s: expected %s, got %d characters; %s", name, secretForm, len(text), secretWays)
	}
	return secret, nil
}

// WriteSecret writes the folder's own secret, mode 0600. It never replaces one.
func (f Folder) WriteSecret(secret []byte) error {
	if _, err := os.Lstat(f.Secret()); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write secret: %s: %w", f.Secret(), errors.Join(fs.ErrExist, err))
	}
	if err := whole.Write(f.Secret(), []byte(hex.EncodeToString(secret)+"\n"), 0o600); err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	return nil
}

// LastSecret returns the print of the secret that the node used last, "" if it has not run.
func (f Folder) LastSecret() (SecretPrint, error) {
	file := part{
		path: f.secretPrint(), noun: "print of the secret", expect: "the print of the secret that this node used last",
		ways: "give the secret with --secret-file, or remove the file", most: 64,
	}
	b, err := file.read()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	print := SecretPrint(strings.TrimSpace(string(b)))
	if d, err := hex.DecodeString(string(print)); print != Open && (err != nil || len(d) != 8) {
		return "", file.wrong("holds something else")
	}
	return print, nil
}

// NoteSecret takes note of the secret that the node uses.
func (f Folder) NoteSecret(p SecretPrint) error {
	if err := whole.Write(f.secretPrint(), []byte(p+"\n"), 0o600); err != nil {
		return fmt.Errorf("write print of the secret: %w", err)
	}
	return nil
}
