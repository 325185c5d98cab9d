package keyform

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// openSSHMagic is what OpenSSH's container begins with.
const openSSHMagic = "openssh-key-v1\x00"

// container is what stands behind that: PROTOCOL.key of OpenSSH.
type container struct {
	Cipher, KDF string
	Options     string // of the KDF: a salt and a number of rounds
	Keys        uint32
	Public      []byte
	Private     []byte // padded, and sealed
	Tag         []byte `ssh:"rest"` // of a cipher that authenticates
}

// options are those of bcrypt.
type options struct {
	Salt   []byte
	Rounds uint32
}

// gcmKeys are the ciphers that x/crypto/ssh does not undo and that are undone here, with the bytes of their keys.
var gcmKeys = map[string]int{"aes128-gcm@openssh.com": 16, "aes256-gcm@openssh.com": 32}

// The ciphers that x/crypto/ssh undoes.
const aes256CTR, aes256CBC = "aes256-ctr", "aes256-cbc"

// none is the name of no cipher and of no KDF.
const none = "none"

// parseOpenSSH reads a key in OpenSSH's own form.
func parseOpenSSH(block *pem.Block) (*Private, error) {
	var c container
	inside, ok := bytes.CutPrefix(block.Bytes, []byte(openSSHMagic))
	if !ok || ssh.Unmarshal(inside, &c) != nil {
		return nil, damaged
	}
	if c.Keys != 1 {
		return nil, &FormError{fmt.Sprintf("holds %d keys", c.Keys), "leave one private key in it, and nothing else"}
	}
	public, err := openSSHPublic(c.Public)
	if err != nil {
		return nil, err
	}
	p := &Private{Form: OpenSSH, Public: public, Sealed: c.Cipher != none || c.KDF != none}
	if !p.Sealed {
		key, err := openSSHKey(ssh.ParseRawPrivateKey(pem.EncodeToMemory(block)))
		if err != nil {
			return nil, err
		}
		p.open = func([]byte) (ed25519.PrivateKey, error) { return key, nil }
		return p, nil
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	p.open = func(passphrase []byte) (ed25519.PrivateKey, error) {
		if len(passphrase) == 0 {
			return nil, ErrPassphrase
		}
		if size, ours := gcmKeys[c.Cipher]; ours {
			return c.openGCM(passphrase, o, size)
		}
		return openSSHKey(ssh.ParseRawPrivateKeyWithPassphrase(pem.EncodeToMemory(block), passphrase))
	}
	return p, nil
}

// openSSHPublic returns the public key that stands beside the private one.
func openSSHPublic(b []byte) (ed25519.PublicKey, error) {
	var public struct {
		Kind string
		Key  []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(b, &public) != nil {
		return nil, damaged
	}
	if public.Kind != ssh.KeyAlgoED25519 {
		return nil, otherKey(public.Kind)
	}
	var key struct{ Bytes []byte }
	if ssh.Unmarshal(public.Key, &key) != nil || len(key.Bytes) != ed25519.PublicKeySize {
		return nil, damaged
	}
	return key.Bytes, nil
}

// options returns those of a sealed key, or an error for one that cannot be opened, or not soon.
func (c *container) options() (o options, err error) {
	_, ours := gcmKeys[c.Cipher]
	switch {
	case c.KDF != "bcrypt":
		return o, &FormError{fmt.Sprintf("is sealed with %s and not with bcrypt", quoted(c.KDF)), reseal}
	case !ours && c.Cipher != aes256CTR && c.Cipher != aes256CBC:
		return o, &FormError{fmt.Sprintf("is sealed with the cipher %s, which is not known here", quoted(c.Cipher)), reseal}
	case ssh.Unmarshal([]byte(c.Options), &o) != nil || o.Rounds == 0 || len(o.Salt) == 0:
		return o, damaged
	case o.Rounds > maxRounds:
		return o, tooDear("%d rounds of bcrypt, of %d at most", o.Rounds, maxRounds)
	}
	return o, nil
}

// openGCM undoes AES in GCM, which x/crypto/ssh does not, and has that read what comes out, as a key that was
// never sealed.
func (c *container) openGCM(passphrase []byte, o options, size int) (ed25519.PrivateKey, error) {
	const nonce = 12 // bytes
	derived := bcryptKey(passphrase, o.Salt, int(o.Rounds), size+nonce)
	block, err := aes.NewCipher(derived[:size])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, derived[size:], bytes.Join([][]byte{c.Private, c.Tag}, nil), nil)
	if err != nil {
		return nil, ErrPassphrase
	}
	opened := ssh.Marshal(container{Cipher: none, KDF: none, Keys: 1, Public: c.Public, Private: plain})
	return openSSHKey(ssh.ParseRawPrivateKey(pem.EncodeToMemory(&pem.Block{Type: openSSHBlock, Bytes: append([]byte(openSSHMagic), opened...)})))
}

// openSSHKey returns the key that x/crypto/ssh has read.
func openSSHKey(parsed any, err error) (ed25519.PrivateKey, error) {
	switch key, ok := parsed.(*ed25519.PrivateKey); {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, ErrPassphrase
	case err != nil:
		return nil, damaged // its text is about the bytes
	case ok:
		return *key, nil
	}
	return nil, &FormError{"is damaged: its public half is of another kind than its private half", ""}
}

// sealOpenSSH seals a key with AES-256 in CTR and 16 rounds of bcrypt.
func sealOpenSSH(key ed25519.PrivateKey, passphrase []byte) (*pem.Block, error) {
	return ssh.MarshalPrivateKeyWithPassphrase(key, "", passphrase)
}
