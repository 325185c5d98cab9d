package keyform

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
)

// oidEd25519 is the name of the keys that are read: RFC 8410, section 3.
var oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}

// others are the names of other keys that people have at hand.
var others = map[string]FormError{
	"1.2.840.113549.1.1.1": {"holds an RSA key", makeOne},
	"1.2.840.10045.2.1":    {"holds an ECDSA key", makeOne},
	"1.2.840.10040.4.1":    {"holds a DSA key", makeOne},
	"1.3.101.110":          {"holds an X25519 key, which cannot sign", makeOne},
	"1.3.101.113":          {"holds an Ed448 key", makeOne},
}

// parsePKCS8 reads a key that is not sealed.
func parsePKCS8(der []byte) (*Private, error) {
	key, err := pkcs8Key(der)
	if err != nil {
		return nil, err
	}
	return &Private{Form: PKCS8, Public: key.Public().(ed25519.PublicKey), open: func([]byte) (ed25519.PrivateKey, error) { return key, nil }}, nil
}

// pkcs8Key returns the key in PKCS#8. It looks at the name of its kind first: checking an RSA key may take long.
func pkcs8Key(der []byte) (ed25519.PrivateKey, error) {
	var kind struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
	}
	if !readDER(der, &kind) {
		return nil, damaged
	}
	if name := kind.Algorithm.Algorithm; !name.Equal(oidEd25519) {
		if known, ok := others[name.String()]; ok {
			return nil, &known
		}
		return nil, &FormError{fmt.Sprintf("holds a key of another kind (%s)", quoted(name.String())), makeOne}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if key, ok := parsed.(ed25519.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, damaged // the text of err is about the bytes
}

// Plain returns the text of a key file, PKCS#8, that whoever has it can use.
func Plain(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: plainBlock, Bytes: der}), nil
}
