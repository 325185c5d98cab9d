package keyform

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// The names of algorithms in a sealed PKCS#8 file: RFC 8018, appendices A to C, and RFC 7914, section 7.
var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// hashes are the hashes that PBKDF2 may be made of. Where none is named it is SHA-1.
var hashes = map[string]func() hash.Hash{
	"1.2.840.113549.2.7":   sha1.New,
	"1.2.840.113549.2.8":   sha256.New224,
	oidHMACSHA256.String(): sha256.New,
	"1.2.840.113549.2.10":  sha512.New384,
	"1.2.840.113549.2.11":  sha512.New,
	"":                     sha1.New,
}

// cbcKeys are the ciphers, AES in CBC, with the bytes of their keys.
var cbcKeys = map[string]int{
	"2.16.840.1.101.3.4.1.2":  16,
	"2.16.840.1.101.3.4.1.22": 24,
	oidAES256CBC.String():     32,
}

// The structures of a sealed file.
type (
	sealedKey struct {
		Algorithm pkix.AlgorithmIdentifier // PBES2, with pbes2 as its parameters
		Data      []byte
	}
	pbes2 struct {
		KDF    pkix.AlgorithmIdentifier
		Cipher pkix.AlgorithmIdentifier // with the iv as its parameter
	}
	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int64
		KeySize    int64                    `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	scryptParameters struct {
		Salt    []byte
		N, R, P int64
		KeySize int64 `asn1:"optional"`
	}
)

// derivation makes the key of a cipher, of so many bytes, of a passphrase.
type derivation func(passphrase []byte, size int) ([]byte, error)

// parseSealed reads a PKCS#8 key that is sealed by PBES2.
func parseSealed(der []byte) (*Private, error) {
	var sealed sealedKey
	if !readDER(der, &sealed) {
		return nil, damaged
	}
	if !sealed.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, &FormError{"is sealed in a way from before PBES2", topk8}
	}
	var p pbes2
	var iv []byte
	if !readDER(sealed.Algorithm.Parameters.FullBytes, &p) {
		return nil, damaged
	}
	derive, err := readKDF(p.KDF)
	if err != nil {
		return nil, err
	}
	size, known := cbcKeys[p.Cipher.Algorithm.String()]
	if !known {
		return nil, &FormError{fmt.Sprintf("is sealed with a cipher that is not AES in CBC (%s)", quoted(p.Cipher.Algorithm.String())), topk8}
	}
	if !readDER(p.Cipher.Parameters.FullBytes, &iv) || len(iv) != aes.BlockSize || len(sealed.Data) == 0 || len(sealed.Data)%aes.BlockSize != 0 {
		return nil, damaged
	}
	return &Private{Form: PKCS8, Sealed: true, open: func(passphrase []byte) (ed25519.PrivateKey, error) {
		key, err := derive(passphrase, size)
		if err != nil {
			return nil, err
		}
		plain, err := openCBC(key, iv, sealed.Data)
		if err != nil {
			return nil, err
		}
		var anything asn1.RawValue
		if !readDER(plain, &anything) {
			return nil, ErrPassphrase // one wrong passphrase of 256 leaves a padding that looks right
		}
		return pkcs8Key(plain)
	}}, nil
}

// readDER reads a value that is all of der.
func readDER(der []byte, into any) bool {
	rest, err := asn1.Unmarshal(der, into)
	return err == nil && len(rest) == 0
}

// readKDF returns how the key of the cipher is derived, or an error where that would take too long.
func readKDF(kdf pkix.AlgorithmIdentifier) (derivation, error) {
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		return readPBKDF2(kdf.Parameters.FullBytes)
	case kdf.Algorithm.Equal(oidScrypt):
		return readScrypt(kdf.Parameters.FullBytes)
	}
	return nil, &FormError{fmt.Sprintf("is sealed with neither PBKDF2 nor scrypt (%s)", quoted(kdf.Algorithm.String())), topk8}
}

func readPBKDF2(der []byte) (derivation, error) {
	var p pbkdf2Parameters
	if !readDER(der, &p) || p.Iterations < 1 {
		return nil, damaged
	}
	if p.Iterations > maxIterations {
		return nil, tooDear("%d iterations of PBKDF2, of %d at most", p.Iterations, maxIterations)
	}
	prf, known := hashes[p.PRF.Algorithm.String()]
	if !known {
		return nil, &FormError{fmt.Sprintf("is sealed with a hash that is not known here (%s)", quoted(p.PRF.Algorithm.String())), topk8}
	}
	return func(passphrase []byte, size int) ([]byte, error) {
		return pbkdf2.Key(prf, string(passphrase), p.Salt, int(p.Iterations), size)
	}, nil
}

func readScrypt(der []byte) (derivation, error) {
	var p scryptParameters
	if !readDER(der, &p) || p.N < 2 || p.N&(p.N-1) != 0 || p.R < 1 || p.P < 1 {
		return nil, damaged
	}
	// Each factor is bounded first, so that no product runs over.
	const most = 1 << 21
	if p.N > most || p.R > most || p.P > most || 128*p.R*(p.N+p.P) > maxScryptMemory || 128*p.N*p.R > maxScryptWork/p.P {
		return nil, tooDear("scrypt with N %d, r %d and p %d, of %d MiB at once and %d MiB in all at most", p.N, p.R, p.P, maxScryptMemory>>20, maxScryptWork>>20)
	}
	return func(passphrase []byte, size int) ([]byte, error) {
		return scrypt.Key(passphrase, p.Salt, int(p.N), int(p.R), int(p.P), size)
	}, nil
}

// tooDear says that opening a file would take more than is allowed, and how much.
func tooDear(format string, args ...any) error {
	return &FormError{"asks for too much before it opens: " + fmt.Sprintf(format, args...), "seal it anew with less"}
}

// openCBC undoes AES in CBC and its padding.
func openCBC(key, iv, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := plain[len(plain)-1]
	if pad == 0 || int(pad) > aes.BlockSize || !bytes.HasSuffix(plain, bytes.Repeat([]byte{pad}, int(pad))) {
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-int(pad)], nil
}

// sealPKCS8 seals a key by PBES2: PBKDF2 with HMAC-SHA-256, AES-256 in CBC.
func sealPKCS8(key ed25519.PrivateKey, passphrase []byte) (*pem.Block, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	salt, iv := make([]byte, saltSize), make([]byte, aes.BlockSize)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	_, _ = rand.Read(iv)
	derived, err := pbkdf2.Key(sha256.New, string(passphrase), salt, sealIterations, cbcKeys[oidAES256CBC.String()])
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)

	var p pbes2
	prf := pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}
	if p.KDF, err = identify(oidPBKDF2, pbkdf2Parameters{Salt: salt, Iterations: sealIterations, PRF: prf}); err != nil {
		return nil, err
	}
	if p.Cipher, err = identify(oidAES256CBC, iv); err != nil {
		return nil, err
	}
	sealed := sealedKey{Data: data}
	if sealed.Algorithm, err = identify(oidPBES2, p); err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(sealed)
	return &pem.Block{Type: sealedBlock, Bytes: der}, err
}

// identify names an algorithm with its parameters.
func identify(oid asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}
