package crdt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Draft is an event that was checked and encoded, ready to be signed into an op. Drafts come from [NewDraft]
// and [AppendDraft].
type Draft struct {
	encoded   []byte
	leaf      Hash
	retention Retention
}

// NewDraft checks and encodes e. The event's time is taken as it is and must not be zero. Drafts can be made by many
// goroutines at once, before the op's seq is known. Errors wrap [ErrEvent].
func NewDraft(e Event) (Draft, error) {
	d, _, err := AppendDraft(nil, &e)
	return d, err
}

// AppendDraft is [NewDraft] in memory of the caller's: it appends what the draft refers to to dst, which it
// returns. The draft is of use until the caller writes there again. It keeps nothing of e.
func AppendDraft(dst []byte, e *Event) (Draft, []byte, error) {
	if err := e.check(); err != nil {
		return Draft{}, dst, err
	}
	if e.Retention == Transient {
		return Draft{}, dst, fmt.Errorf("%w: it is transient, and no op holds such an event: broadcast it", ErrEvent)
	}
	if e.Time.IsZero() {
		return Draft{}, dst, fmt.Errorf("%w: it has no time", ErrEvent)
	}
	from := len(dst)
	dst = append(slices.Grow(dst, 1+mostEncoded(e)), leafPrefix) // what is hashed lies in one piece
	dst = appendEvent(dst, e)
	entry := dst[from+1 : len(dst) : len(dst)]
	return Draft{encoded: entry, leaf: sha256.Sum256(dst[from:]), retention: e.Retention}, dst, nil
}

// Size returns the bytes that the draft adds to an op.
func (d *Draft) Size() int { return len(d.encoded) }

// Retention returns the class of the draft's event; an op holds drafts of one class.
func (d *Draft) Retention() Retention { return d.retention }

// Seal makes and signs an op that holds drafts. It takes Log, First, Prev, Clock and Floor from h and
// sets the rest. The op shares no memory with the drafts. It is an error when the result would break a limit.
func Seal(key ed25519.PrivateKey, h Header, drafts []Draft) (Op, error) {
	op, _, err := AppendSealed(nil, key, h, drafts)
	return op, err
}

// AppendSealed is [Seal] in memory of the caller's: it appends the bytes of the op to dst, which it returns. The op
// is of use until the caller writes there again.
func AppendSealed(dst []byte, key ed25519.PrivateKey, h Header, drafts []Draft) (Op, []byte, error) {
	if len(drafts) == 0 || len(drafts) > MaxOpEntries {
		return Op{}, dst, fmt.Errorf("seal op: %d entries: expected 1 to %d", len(drafts), MaxOpEntries)
	}
	var leaves merkle
	size := 0
	for i := range drafts {
		d := &drafts[i]
		if d.retention != drafts[0].retention {
			return Op{}, dst, fmt.Errorf("seal op: a %s entry in a %s op", d.retention, drafts[0].retention)
		}
		if len(d.encoded) == 0 {
			return Op{}, dst, fmt.Errorf("seal op: draft %d of %d holds no event", i+1, len(drafts))
		}
		leaves.add(d.leaf)
		size += len(d.encoded)
	}
	h.Author, h.Count, h.Root, h.Retention = AuthorOf(key), uint64(len(drafts)), leaves.root(), drafts[0].retention
	from := len(dst)
	dst, err := h.appendSigned(slices.Grow(dst, mostHeader+signatureSize+size), key, size)
	if err != nil {
		return Op{}, dst[:from], fmt.Errorf("seal op %s/%d: %w", h.Author.Short(), h.First, err)
	}
	end := len(dst)
	for i := range drafts {
		dst = append(dst, drafts[i].encoded...)
	}
	raw := dst[from:end:end]
	return Op{Signed: Signed{Header: h, ID: sha256.Sum256(raw), raw: raw}, all: dst[from:len(dst):len(dst)]}, dst, nil
}

// appendSigned appends the header h and its signature to dst, or says which limit an op with a body of size bytes
// would break.
func (h *Header) appendSigned(dst []byte, key ed25519.PrivateKey, size int) ([]byte, error) {
	message := h.append(append(make([]byte, 0, len(opContext)+mostHeader), opContext...))
	header := message[len(opContext):]
	s := shape{b: header}
	s.header()
	if s.err == nil {
		s.err = h.checkSize(len(header) + signatureSize + size)
	}
	if s.err != nil {
		return dst, s.err
	}
	return append(append(dst, header...), ed25519.Sign(key, message)...), nil
}

// NewOp is [NewDraft] and [Seal] for events that are at hand. An event without a time gets now.
func NewOp(key ed25519.PrivateKey, h Header, now time.Time, events ...Event) (Op, error) {
	drafts := make([]Draft, len(events))
	for i, e := range events {
		if e.Time.IsZero() {
			e.Time = now
		}
		var err error
		if drafts[i], err = NewDraft(e); err != nil {
			return Op{}, err
		}
	}
	return Seal(key, h, drafts)
}
