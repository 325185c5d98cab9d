package crdt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/quipulog/quipu/crdt/object"
)

const broadcastContext = "quipu/transient/v1\x00"

// Nonce tells broadcasts apart that are alike in all else. Whoever broadcasts draws it at random.
type Nonce [16]byte

// Broadcast is a transient event on its way from its author to whoever listens now. It is in no op, has
// no seq and stands nowhere. Its bytes are
//
//	signed    = msgpack array [version, log, author, clock, nonce, event]
//	signature = Ed25519(author key, "quipu/transient/v1\x00" ‖ signed)
//	bytes     = signed ‖ signature                  id = SHA-256(bytes)
//
// with the event as an entry of an op has it. They are made once, by [SignBroadcast], and never encoded
// again. A Broadcast is never changed and may be shared; its event shares memory with its bytes.
type Broadcast struct {
	Event
	Log    LogID
	Author Author
	// Clock is when it was broadcast by the author's wall clock; of one author's, each is above the one
	// before. It moves nobody's clock.
	Clock Clock
	Nonce Nonce
	// ID names it: two broadcasts with one ID have the same bytes.
	ID  Hash
	raw []byte
}

// SignBroadcast makes and signs a broadcast of b's event, with b's Log, Clock and Nonce, and sets the
// rest. The result shares no memory with b. An event without a time, one of another retention class
// than [Transient], and one that [Event.Check] refuses are errors that wrap [ErrEvent].
func SignBroadcast(key ed25519.PrivateKey, b Broadcast) (Broadcast, error) {
	if err := b.Check(); err != nil {
		return Broadcast{}, err
	}
	if b.Retention != Transient {
		return Broadcast{}, fmt.Errorf("%w: it is %s, and is appended: only a transient one is broadcast", ErrEvent, b.Retention)
	}
	if b.Time.IsZero() {
		return Broadcast{}, fmt.Errorf("%w: it has no time", ErrEvent)
	}
	author := AuthorOf(key)
	signed := encode(&wireBroadcast{
		Version: Version, Log: b.Log[:], Author: author[:], Clock: uint64(b.Clock), Nonce: b.Nonce[:], Event: wireOf(&b.Event),
	})
	signature := ed25519.Sign(key, append([]byte(broadcastContext), signed...))
	made, err := ParseBroadcast(slices.Concat(signed, signature))
	if err != nil {
		return Broadcast{}, fmt.Errorf("sign broadcast: %w", err)
	}
	return made, nil
}

// ParseBroadcast reads a broadcast from all of b, which it keeps: the caller does not write to b again.
// It checks the form and every limit, but not the signature: see [Broadcast.Verify]. Its errors wrap
// [ErrMalformed] or a [*VersionError].
func ParseBroadcast(b []byte) (Broadcast, error) {
	s := shape{b: b}
	if len(b) > MaxBroadcast {
		s.fail("%d bytes, at most %d are allowed", len(b), MaxBroadcast)
	}
	made := s.broadcast()
	s.next(signatureSize)
	s.end("signature")
	if s.err != nil {
		return Broadcast{}, fmt.Errorf("parse transient event: %w", s.err)
	}
	made.raw, made.ID = b[:len(b):len(b)], sha256.Sum256(b)
	return made, nil
}

// Bytes returns the broadcast as its author made it. The caller does not write to it.
func (b Broadcast) Bytes() []byte { return b.raw }

// Size returns the length of [Broadcast.Bytes].
func (b Broadcast) Size() int { return len(b.raw) }

// Memory returns about how many bytes of memory the broadcast takes. Its texts and its payload are part of
// [Broadcast.Bytes].
func (b *Broadcast) Memory() int {
	return int(unsafe.Sizeof(*b)) + len(b.raw) + cap(b.Headers)*int(unsafe.Sizeof(EventHeader{}))
}

// Verify checks the signature and that the author is a usable key. Its errors wrap [ErrSignature] or
// [ErrAuthor].
func (b Broadcast) Verify() error {
	if err := b.Author.Valid(); err != nil {
		return err
	}
	split := len(b.raw) - signatureSize
	if split < 0 || !ed25519.Verify(b.Author[:], append([]byte(broadcastContext), b.raw[:split]...), b.raw[split:]) {
		return fmt.Errorf("transient event of %s: %w", b.Author.Short(), ErrSignature)
	}
	return nil
}

// Fresh reports whether b's clock is at most [MaxBroadcastAge] behind now and at most [MaxAhead] ahead.
// One that is not is told to nobody.
func (b Broadcast) Fresh(now time.Time) bool {
	return now.Sub(b.Clock.Time()) <= MaxBroadcastAge && !b.Clock.Ahead(now)
}

// AppendJSON appends the JSON form of b to dst: that of an entry without the fields that say where it
// stands, with the retention "transient".
func (b Broadcast) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"author":"`...)
	dst = hex.AppendEncode(dst, b.Author[:])
	dst = append(dst, `","clock":"`...)
	dst = append(dst, b.Clock.String()...)
	dst = append(dst, `",`...)
	return append(b.appendFields(dst), '}')
}

// MarshalJSON returns what [Broadcast.AppendJSON] makes; see [Entry.MarshalJSON] for what [json.Encoder]
// does to it.
func (b Broadcast) MarshalJSON() ([]byte, error) { return b.AppendJSON(nil), nil }

// UnmarshalJSON is [ParseBroadcastJSON].
func (b *Broadcast) UnmarshalJSON(line []byte) error {
	parsed, err := ParseBroadcastJSON(line)
	if err != nil {
		return err
	}
	*b = parsed
	return nil
}

// ParseBroadcastJSON reads what [Broadcast.AppendJSON] makes, so that a client can read what a node
// prints. The form has no signature: nothing is proven by it, and the result has no bytes, no log, no
// nonce and no id. Errors wrap [ErrEvent].
func ParseBroadcastJSON(line []byte) (Broadcast, error) {
	var r eventReader
	var e Entry
	fields := object.Fields{
		Known:  append([]string{"author", "clock"}, eventFields...),
		Needed: []string{"author", "clock", "time", "kind", "retention"},
	}
	err := fields.Read(line, func(name string, value []byte) error {
		if slices.Contains(placeFields, name) {
			return e.placeField(name, value)
		}
		return r.field(name, value)
	})
	if err == nil && r.Retention != Transient {
		err = errors.New("it is " + r.Retention.String() + ", not transient")
	}
	if err != nil {
		return Broadcast{}, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	return Broadcast{Event: r.Event, Author: e.Author, Clock: e.Clock}, nil
}
