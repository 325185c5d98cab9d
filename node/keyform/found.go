package keyform

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/quipulog/quipu/crdt/clip"
)

// What can be done about a file that is no key as it is expected.
const (
	makeOne   = "make an Ed25519 key with ssh-keygen -t ed25519 or openssl genpkey -algorithm ed25519"
	giveOther = "give the file with the private key, which is the one whose name does not end in .pub"
	fromPuTTY = "puttygen FILE -O private-openssh-new -o NEW converts it"
	fromDER   = "openssl pkey -inform DER -in FILE -out NEW converts a key"
	reseal    = "on a copy of it, ssh-keygen -p -Z aes256-ctr -f FILE changes that"
	topk8     = "openssl pkcs8 -topk8 -in FILE -out NEW seals it otherwise"
)

// blocks are PEM blocks that people have at hand and that hold no private key as it is expected here.
var blocks = map[string]FormError{
	"RSA PRIVATE KEY":     {"holds an RSA key", makeOne},
	"EC PRIVATE KEY":      {"holds an ECDSA key", makeOne},
	"EC PARAMETERS":       {"holds the parameters of ECDSA keys", makeOne},
	"DSA PRIVATE KEY":     {"holds a DSA key", makeOne},
	"PUBLIC KEY":          {"holds a public key", giveOther},
	"RSA PUBLIC KEY":      {"holds a public key, of RSA", makeOne},
	"CERTIFICATE":         {"holds a certificate", giveOther},
	"CERTIFICATE REQUEST": {"holds a request for a certificate", giveOther},
}

// otherBlock says what a PEM block of a type is that holds no private key as it is expected here.
func otherBlock(kind string) error {
	if known, ok := blocks[kind]; ok {
		return &known
	}
	return &FormError{"holds " + quoted(kind), makeOne}
}

// noBlock says what a text is that has no PEM block.
func noBlock(text []byte) error {
	text = bytes.TrimSpace(text)
	starts := func(with string) bool { return bytes.HasPrefix(text, []byte(with)) }
	var der asn1.RawValue
	switch rest, err := asn1.Unmarshal(text, &der); {
	case err == nil && len(rest) == 0 && der.IsCompound:
		return &FormError{"holds bytes of DER, which is no text", fromDER}
	case starts("PuTTY-User-Key-File-"):
		return &FormError{"holds a key of PuTTY", fromPuTTY}
	case starts("---- BEGIN SSH2 PUBLIC KEY"):
		return &FormError{"holds a public key", giveOther}
	case starts("---- BEGIN SSH2 "):
		return &FormError{"holds a key of SSH2", makeOne}
	case starts("AGE-SECRET-KEY-"):
		return &FormError{"holds a key of age, which cannot sign", makeOne}
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		kind := public.Type()
		if _, ok := public.(*ssh.Certificate); ok {
			return &FormError{fmt.Sprintf("holds a certificate (%s)", kind), giveOther}
		}
		return &FormError{fmt.Sprintf("holds a public key (%s)", kind), giveOther}
	}
	return &FormError{"holds no key", ""}
}

// otherKey says that a key is of another kind, by OpenSSH's name of that.
func otherKey(kind string) error {
	switch {
	case strings.HasPrefix(kind, "sk-"):
		return &FormError{fmt.Sprintf("names a key that stays in a security device (%s)", quoted(kind)), makeOne}
	case kind == ssh.KeyAlgoRSA:
		return &FormError{"holds an RSA key", makeOne}
	case strings.HasPrefix(kind, "ecdsa-"):
		return &FormError{"holds an ECDSA key", makeOne}
	case kind == "ssh-dss":
		return &FormError{"holds a DSA key", makeOne}
	}
	return &FormError{"holds a key of the kind " + quoted(kind), makeOne}
}

// mostName bounds the bytes that are shown of a name that a file has of something.
const mostName = 40

// quoted shows a name that a file has of something, such as a cipher.
func quoted(name string) string { return strconv.QuoteToASCII(clip.To(name, mostName)) }
