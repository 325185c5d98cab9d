package keyform

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt/bom"
)

// Form is how a private key is written.
type Form string

// The forms of private keys.
const (
	PKCS8   Form = "pkcs8"   // RFC 5958 in PEM (RFC 7468), sealed by PBES2 of RFC 8018
	OpenSSH Form = "openssh" // PROTOCOL.key of OpenSSH, in PEM
)

// The types of the PEM blocks that hold a private key here.
const (
	plainBlock   = "PRIVATE KEY"
	sealedBlock  = "ENCRYPTED PRIVATE KEY"
	openSSHBlock = "OPENSSH PRIVATE KEY"
)

// ErrPassphrase is returned by [Private.Open] for a passphrase that does not open the key. A damaged file may
// look the same.
var ErrPassphrase = errors.New("the passphrase does not open it")

// FormError says what a file is that is no key as it is expected here.
type FormError struct {
	Found string // what is the matter, as words that follow the file's name: "holds a public key"
	Way   string // what to do about it; may be empty
}

func (e *FormError) Error() string {
	if e.Way == "" {
		return e.Found
	}
	return e.Found + ": " + e.Way
}

// Private is a private key as it stands in a file.
type Private struct {
	Form   Form
	Sealed bool // by a passphrase
	// Public is the public key, which a sealed PKCS#8 file does not show: then it is nil. In a sealed OpenSSH
	// file nothing but [Private.Open] says that it is the private key's.
	Public ed25519.PublicKey

	open func(passphrase []byte) (ed25519.PrivateKey, error)
}

// Parse reads the text of a key file, with lines that end as on Unix or as on Windows. Of a sealed one it checks
// all that can be checked without the passphrase. The error is a [*FormError], or says which encoding it is in.
func Parse(text []byte) (*Private, error) {
	text, err := bom.Strip(text)
	if err != nil {
		return nil, &FormError{Found: "is no key as it stands", Way: err.Error()}
	}
	block, err := onlyBlock(text)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case plainBlock:
		return parsePKCS8(block.Bytes)
	case sealedBlock:
		return parseSealed(block.Bytes)
	case openSSHBlock:
		return parseOpenSSH(block)
	}
	return nil, otherBlock(block.Type)
}

// onlyBlock returns the PEM block of a text that has no other.
func onlyBlock(text []byte) (*pem.Block, error) {
	begun := bytes.Count(text, []byte("-----BEGIN "))
	if begun == 0 {
		return nil, noBlock(text)
	}
	block, rest := pem.Decode(text)
	switch {
	case begun > 1 && block != nil:
		others := "others"
		if next, _ := pem.Decode(rest); next != nil {
			others = quoted(next.Type)
		}
		return nil, &FormError{
			Found: fmt.Sprintf("holds %d parts, such as %s and %s", begun, quoted(block.Type), others),
			Way:   "leave one private key in it, and nothing else",
		}
	case block == nil:
		return nil, damaged
	}
	return block, nil
}

// damaged is the error for what begins as a key and is none.
var damaged = &FormError{Found: "is damaged"}

// Open returns the key. The passphrase of one that is not sealed is not looked at. It returns [ErrPassphrase], or
// a [*FormError] where the passphrase shows that the key is of another kind.
func (p *Private) Open(passphrase []byte) (ed25519.PrivateKey, error) {
	key, err := p.open(passphrase)
	if err != nil {
		return nil, err
	}
	// Whoever signed with a public half of somebody else's choosing would give the private one away.
	whole := len(key) == ed25519.PrivateKeySize && key.Equal(ed25519.NewKeyFromSeed(key.Seed()))
	if !whole || p.Public != nil && !p.Public.Equal(key.Public()) {
		return nil, &FormError{Found: "is damaged: its public half is not that of its private half"}
	}
	return key, nil
}

// Seal returns the text of a key file that nobody can use without the passphrase, which is not empty.
func Seal(key ed25519.PrivateKey, form Form, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("seal key: the passphrase is empty")
	}
	seal := sealPKCS8
	if form == OpenSSH {
		seal = sealOpenSSH
	}
	block, err := seal(key, passphrase)
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}
