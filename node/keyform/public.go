package keyform

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"
)

// LineOf returns a public key as ssh-keygen writes it to a file whose name ends in .pub, without a comment and
// the line's end.
func LineOf(key ed25519.PublicKey) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(openSSHOf(key))), "\n")
}

// PrintOf returns a public key's SHA-256 print as ssh-keygen shows it: "SHA256:" and 43 digits of base64.
func PrintOf(key ed25519.PublicKey) string { return ssh.FingerprintSHA256(openSSHOf(key)) }

// PEMOf returns a public key as openssl writes it: PKIX (RFC 8410) in PEM.
func PEMOf(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // only for a key of a kind that it does not know
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func openSSHOf(key ed25519.PublicKey) ssh.PublicKey {
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		panic(err) // only for a key of another length
	}
	return public
}
