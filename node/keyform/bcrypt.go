package keyform

import (
	"crypto/sha512"
	"encoding/binary"

	//lint:ignore SA1019 OpenSSH's bcrypt is made of it, and what ssh-keygen has sealed cannot be opened with anything else.
	"golang.org/x/crypto/blowfish"
)

// bcryptKey derives size bytes from a passphrase by bcrypt_pbkdf of OpenBSD, which x/crypto has inside of its
// package ssh only. It is PBKDF2 over bcryptHash, with two changes: the rounds before the last go on from the
// hash of what came out, and the bytes of the blocks take turns in the key.
//
//	block c   b₁ = H(salt‖c)   bᵢ = H(bᵢ₋₁)   out = b₁ ⊕ b₂ ⊕ … over all rounds
//	key       out₁[0] out₂[0] … out₁[1] out₂[1] …
//
// There is at least one round, and the passphrase is not empty.
func bcryptKey(passphrase, salt []byte, rounds, size int) []byte {
	secret := sha512.Sum512(passphrase)
	blocks := (size + bcryptSize - 1) / bcryptSize
	key := make([]byte, blocks*bcryptSize)
	for c := range blocks {
		last := bcryptHash(secret, sha512.Sum512(binary.BigEndian.AppendUint32(append([]byte(nil), salt...), uint32(c+1))))
		out := last
		for range rounds - 1 {
			last = bcryptHash(secret, sha512.Sum512(last[:]))
			for i, b := range last {
				out[i] ^= b
			}
		}
		for i, b := range out {
			key[i*blocks+c] = b
		}
	}
	return key[:size]
}

// bcryptSize is how many bytes bcryptHash has.
const bcryptSize = 32

// bcryptHash is bcrypt with 2^6 expansions over hashes, of a text of 32 bytes, in little-endian words.
func bcryptHash(secret, salt [sha512.Size]byte) (out [bcryptSize]byte) {
	c, err := blowfish.NewSaltedCipher(secret[:], salt[:])
	if err != nil {
		panic(err) // only for a key of no bytes
	}
	for range 64 {
		blowfish.ExpandKey(salt[:], c)
		blowfish.ExpandKey(secret[:], c)
	}
	copy(out[:], "OxychromaticBlowfishSwatDynamite")
	for at := 0; at < bcryptSize; at += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(out[at:], out[at:])
		}
	}
	for at := 0; at < bcryptSize; at += 4 {
		binary.LittleEndian.PutUint32(out[at:], binary.BigEndian.Uint32(out[at:]))
	}
	return out
}
