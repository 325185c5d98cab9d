package membership

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/quipulog/quipu/crdt"
)

// Packets and messages on streams are sealed with AES-256-GCM, in the bytes that memberlist itself would
// write with a label and its encryption version 1. They are sealed and opened here, and memberlist is
// given no key: what it does with bytes that the secret opens is not safe against a holder of the secret.
//
//	packet  = header ‖ 1 ‖ nonce (12) ‖ sealed                with the label as associated data
//	message = 10 ‖ length (4) ‖ 1 ‖ nonce (12) ‖ sealed       with 10 ‖ length ‖ label
//	header  = 244 ‖ length of label (1) ‖ label               label = the log id in hex
//
// length counts from the 1 on. On a stream, only the end that has dialled writes the header, once.
const (
	labelMark   = 244
	sealedMark  = 10
	sealVersion = 1

	// maxPacket bounds a sealed packet, in bytes; ours keep to packetSize, which fits most networks.
	// uncounted is what memberlist puts into packets beyond the size that it is given: the checksum and
	// a length.
	maxPacket  = 2 << 10
	packetSize = 1400
	uncounted  = 5 + 2
	// maxMessage bounds a sealed message on a stream, in bytes from its version on.
	maxMessage = 1 << 20
	// firstRead is how much of a message must have come before memory is taken for the rest.
	firstRead = 16 << 10
	// messageHead is the size of what stands before the version of a message.
	messageHead = 1 + 4
)

// errUnsealed is wrapped by errors about bytes that were not sealed by a holder of our secret for our
// log. Anybody may have sent them.
var errUnsealed = errors.New("not sealed with the cluster's secret")

// seal seals and opens. It may be used from any goroutine.
type seal struct {
	aead   cipher.AEAD // puts a random nonce before what it seals
	label  []byte
	header []byte
}

func newSeal(key []byte, log crdt.LogID) (*seal, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	label := []byte(log.String())
	return &seal{aead: aead, label: label, header: append([]byte{labelMark, byte(len(label))}, label...)}, nil
}

// overhead returns how many bytes longer a packet is than what is sealed in it.
func (s *seal) overhead() int { return len(s.header) + 1 + s.aead.Overhead() }

// packet returns plain sealed as a packet.
func (s *seal) packet(plain []byte) []byte {
	b := append(make([]byte, 0, s.overhead()+len(plain)), s.header...)
	return s.aead.Seal(append(b, sealVersion), nil, plain, s.label)
}

// openPacket returns what is sealed in a packet, never empty. It shares no memory with b.
func (s *seal) openPacket(b []byte) ([]byte, error) {
	body, ours := bytes.CutPrefix(b, s.header)
	if !ours {
		return nil, errUnsealed
	}
	return s.open(body, s.label, false)
}

// message returns plain sealed as a message on a stream.
func (s *seal) message(plain []byte) []byte {
	n := 1 + s.aead.Overhead() + len(plain)
	b := append(make([]byte, 0, messageHead+n), sealedMark)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return s.aead.Seal(append(b, sealVersion), nil, plain, append(b[:messageHead:messageHead], s.label...))
}

// readHeader reads the header of a stream.
func (s *seal) readHeader(r io.Reader) error {
	got := make([]byte, len(s.header))
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("read label: %w", err)
	}
	if !bytes.Equal(got, s.header) {
		return errUnsealed
	}
	return nil
}

// readMessage reads a message from a stream and returns what is sealed in it, never empty. Memory for all
// of it is taken when the first of it has come.
func (s *seal) readMessage(r io.Reader) ([]byte, error) {
	var head [messageHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	n := int64(binary.BigEndian.Uint32(head[1:]))
	if head[0] != sealedMark || n > maxMessage {
		return nil, errUnsealed
	}
	b := make([]byte, min(n, firstRead))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	if n > firstRead {
		b = append(make([]byte, 0, n), b...)[:n]
		if _, err := io.ReadFull(r, b[firstRead:]); err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
	}
	return s.open(b, append(head[:], s.label...), true)
}

// open returns what is sealed in version ‖ nonce ‖ sealed, in memory of its own or in the place of what was
// sealed.
func (s *seal) open(b, data []byte, inPlace bool) ([]byte, error) {
	if len(b) == 0 || b[0] != sealVersion {
		return nil, errUnsealed
	}
	var into []byte
	if inPlace {
		into = b[1:1]
	}
	plain, err := s.aead.Open(into, nil, b[1:], data)
	if err != nil {
		return nil, errUnsealed
	}
	if len(plain) == 0 {
		return nil, fmt.Errorf("%w: nothing is sealed in it", errMessage)
	}
	return plain, nil
}
