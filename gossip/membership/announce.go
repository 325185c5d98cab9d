package membership

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
)

const (
	announceContext = "quipu/member/v1\x00"
	announceVersion = 1
	// announceFixed is the size of an announcement without the name, in bytes.
	announceFixed = 1 + 8 + 1 + ed25519.SignatureSize

	// MaxName bounds a display name, in bytes.
	MaxName = 64
)

// errAnnouncement is wrapped by errors about announcements that their author did not sign as they
// stand.
var errAnnouncement = errors.New("not a valid announcement")

// errStale says that a newer announcement of the same author is known.
var errStale = errors.New("an older announcement than the one known")

// announcement is what a node says about itself. Memberlist carries author, address and port; the
// rest is its metadata.
//
//	metadata = version (1) ‖ counter (8) ‖ length of name (1) ‖ name ‖ signature (64)
type announcement struct {
	author  crdt.Author
	addr    netip.AddrPort
	counter uint64
	name    string
}

// message returns the bytes that are signed.
func (a announcement) message(log crdt.LogID) []byte {
	b := append([]byte(announceContext), log[:]...)
	b = append(b, a.author[:]...)
	ip := a.addr.Addr().As16()
	b = append(b, ip[:]...)
	b = binary.BigEndian.AppendUint16(b, a.addr.Port())
	b = binary.BigEndian.AppendUint64(b, a.counter)
	return append(b, a.name...)
}

// sign returns the metadata of a.
func (a announcement) sign(key ed25519.PrivateKey, log crdt.LogID) []byte {
	b := []byte{announceVersion}
	b = binary.BigEndian.AppendUint64(b, a.counter)
	b = append(append(b, byte(len(a.name))), a.name...)
	return append(b, ed25519.Sign(key, a.message(log))...)
}

// parseAnnouncement reads metadata that came with an author and an address, and checks the
// signature over all of it.
func parseAnnouncement(log crdt.LogID, author crdt.Author, addr netip.AddrPort, meta []byte) (announcement, error) {
	if len(meta) < announceFixed || meta[0] != announceVersion {
		return announcement{}, fmt.Errorf("%w: unknown form", errAnnouncement)
	}
	a := announcement{author: author, addr: addr, counter: binary.BigEndian.Uint64(meta[1:])}
	name := meta[10 : len(meta)-ed25519.SignatureSize]
	if len(name) != int(meta[9]) || len(name) > MaxName || !utf8.Valid(name) {
		return announcement{}, fmt.Errorf("%w: bad name", errAnnouncement)
	}
	a.name = string(name)
	if !ed25519.Verify(author[:], a.message(log), meta[len(meta)-ed25519.SignatureSize:]) {
		return announcement{}, fmt.Errorf("%w: its signature does not verify", errAnnouncement)
	}
	return a, nil
}
