package transport

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"github.com/quipulog/quipu/crdt"
)

// ErrSecret is returned by [Transport.Dial], and is the reason on the accepting side, when the peer
// does not prove that it knows the cluster secret. Both ends of such a connection learn it.
var ErrSecret = errors.New("peer does not hold our cluster secret")

// Labels that keep the uses of the secret apart.
const (
	streamLabel = "quipu/stream/v1" // HKDF info of the key that proofs are made with
	gossipLabel = "quipu/gossip/v1" // HKDF info of the key that seals the membership's packets and messages
	exportLabel = "quipu/secret/v1" // label of the TLS exporter
)

// role says which end of a connection a proof comes from, so that none can be sent back as it came.
type role byte

const (
	dialling  role = 'D'
	accepting role = 'A'
)

// other returns the role of the other end.
func (r role) other() role { return dialling + accepting - r }

// GossipKey returns the 32-byte key that seals what the membership says, derived from the secret; without
// one it keeps nobody out. The slice is the caller's.
func (t *Transport) GossipKey() []byte { return bytes.Clone(t.keys.gossip) }

// keys are what is derived from the secret.
type keys struct {
	stream []byte // of the proofs of the secret
	gossip []byte // of the membership's packets and messages
}

// deriveKeys returns HKDF-SHA-256 (RFC 5869) of the secret for each of its uses. Without a secret the
// input is empty: the bytes on the wire have the same shape and prove nothing.
func deriveKeys(secret []byte) (keys, error) {
	stream, err := hkdf.Key(sha256.New, secret, nil, streamLabel, sha256.Size)
	if err != nil {
		return keys{}, fmt.Errorf("derive stream key: %w", err)
	}
	gossip, err := hkdf.Key(sha256.New, secret, nil, gossipLabel, sha256.Size)
	if err != nil {
		return keys{}, fmt.Errorf("derive gossip key: %w", err)
	}
	return keys{stream, gossip}, nil
}

// proof returns HMAC-SHA-256(key, role ‖ author ‖ exported). The exported keying material (RFC 8446,
// 7.5) is the connection's own, so a proof is worth nothing on another; it does not cover the
// dialling end's certificate, so the author is named.
func proof(key []byte, from role, author crdt.Author, exported []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{byte(from)})
	mac.Write(author[:])
	mac.Write(exported)
	return mac.Sum(nil)
}

// proveSecret sends our proof and checks the peer's. Both ends send first, so that with two secrets
// both see the other's wrong proof, and neither only a closed connection. The peer's proof is the
// first thing read after the handshake, and has a fixed length.
func proveSecret(conn *tls.Conn, key []byte, own role, self, peer crdt.Author) error {
	state := conn.ConnectionState()
	exported, err := state.ExportKeyingMaterial(exportLabel, nil, sha256.Size)
	if err != nil {
		return fmt.Errorf("export keying material: %w", err)
	}
	if _, err := conn.Write(proof(key, own, self, exported)); err != nil {
		return fmt.Errorf("send proof of secret: %w", err)
	}
	got := make([]byte, sha256.Size)
	if _, err := io.ReadFull(conn, got); err != nil {
		return fmt.Errorf("read proof of secret: %w", err)
	}
	if !hmac.Equal(got, proof(key, own.other(), peer, exported)) {
		return ErrSecret
	}
	return nil
}
