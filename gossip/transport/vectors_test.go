package transport

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/vectortest"
)

type (
	keysVector struct {
		About  string `json:"about"`
		Secret string `json:"secret"`
		Stream string `json:"stream"`
		Gossip string `json:"gossip"`
	}
	proofVector struct {
		Secret   string      `json:"secret"`
		Role     string      `json:"role"` // D: who dialled, A: who accepted
		Author   crdt.Author `json:"author"`
		Exported string      `json:"exported"`
		Proof    string      `json:"proof"`
	}
)

// TestVectorsTransport holds what is derived from the secret against docs/vectors/transport.json.
func TestVectorsTransport(t *testing.T) {
	var file struct {
		About     string        `json:"about"`
		Protocols []Proto       `json:"protocols"`
		Keys      []keysVector  `json:"keys"`
		Proofs    []proofVector `json:"proofs"`
	}
	file.About = "The keys that are derived from the cluster secret, and the proofs that go over a new stream. Exported stands for what TLS exports on that connection."
	file.Protocols = protos
	secret := make([]byte, SecretSize)
	for i := range secret {
		secret[i] = byte(i)
	}
	exported := bytes.Repeat([]byte{0xee}, 32)
	author := crdt.AuthorOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	for _, k := range []struct {
		about  string
		secret []byte
	}{{"a secret", secret}, {"none", nil}} {
		derived, err := deriveKeys(k.secret)
		if err != nil {
			t.Fatal(err)
		}
		file.Keys = append(file.Keys, keysVector{
			About: k.about, Secret: hex.EncodeToString(k.secret),
			Stream: hex.EncodeToString(derived.stream), Gossip: hex.EncodeToString(derived.gossip),
		})
		for _, from := range []role{dialling, accepting} {
			file.Proofs = append(file.Proofs, proofVector{
				Secret: hex.EncodeToString(k.secret), Role: string(rune(from)), Author: author, Exported: hex.EncodeToString(exported),
				Proof: hex.EncodeToString(proof(derived.stream, from, author, exported)),
			})
		}
	}
	vectortest.Check(t, "transport.json", file)
}
