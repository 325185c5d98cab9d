package keyform

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestBcryptIsThatOfSSH derives the key of a file that x/crypto/ssh has sealed, and undoes its cipher: the two
// numbers at the beginning are the same.
func TestBcryptIsThatOfSSH(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("p"))
	if err != nil {
		t.Fatal(err)
	}
	var c container
	if err := ssh.Unmarshal(bytes.TrimPrefix(block.Bytes, []byte(openSSHMagic)), &c); err != nil {
		t.Fatal(err)
	}
	o, err := c.options()
	if err != nil {
		t.Fatal(err)
	}
	derived := bcryptKey([]byte("p"), o.Salt, int(o.Rounds), 32+aes.BlockSize)
	stream, err := aes.NewCipher(derived[:32])
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCTR(stream, derived[32:]).XORKeyStream(c.Private, c.Private)
	if !bytes.Equal(c.Private[:4], c.Private[4:8]) || !bytes.Contains(c.Private, key) {
		t.Errorf("undone, it is %x", c.Private)
	}
}
