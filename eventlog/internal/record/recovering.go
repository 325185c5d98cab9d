package record

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Recovering is what is kept of why a log may not know the end of its own feed:
//
//	why (1)  since (8)  detail       since in milliseconds since 1970, 0 where it is not known; detail is text
type Recovering struct {
	Why    uint8
	Since  time.Time
	Detail string
}

// Encode returns the record.
func (r Recovering) Encode() []byte {
	b := []byte{r.Why}
	if r.Since.IsZero() {
		b = binary.BigEndian.AppendUint64(b, 0)
	} else {
		b = binary.BigEndian.AppendUint64(b, uint64(r.Since.UnixMilli()))
	}
	return append(b, r.Detail...)
}

// ParseRecovering reads a record from all of b.
func ParseRecovering(b []byte) (r Recovering, err error) {
	if len(b) < 9 {
		return r, fmt.Errorf("record of %d bytes: %w", len(b), ErrLength)
	}
	r.Why, r.Detail = b[0], string(b[9:])
	if ms := binary.BigEndian.Uint64(b[1:]); ms != 0 {
		r.Since = time.UnixMilli(int64(ms))
	}
	return r, nil
}

const (
	// maxNamed bounds the members that one list in a [TakenUp] names, maxPlaces the places.
	maxNamed  = 4096
	maxPlaces = 256
)

// RecoverKind is the kind of the entry that holds a [TakenUp].
const RecoverKind = "quipu.recover"

// TakenUp is what an entry says from where on a feed was taken up again, and on whose word.
type TakenUp struct {
	Why                     string
	From, End               crdt.Head
	Asked, Missing, Without []crdt.Author
	Places                  []string
	Alone                   bool
	// Former is whose feed ended at End, where a new author's begins; nil else.
	Former *crdt.Author
}

// Payload returns the JSON of the entry. A head of nothing has no op.
func (t TakenUp) Payload() ([]byte, error) {
	return json.Marshal(struct {
		Why     string        `json:"why"`
		From    head          `json:"from"`
		End     head          `json:"end"`
		Asked   []crdt.Author `json:"asked,omitempty"`
		Missing []crdt.Author `json:"missing,omitempty"`
		Without []crdt.Author `json:"without,omitempty"`
		Places  []string      `json:"places,omitempty"`
		Alone   bool          `json:"alone,omitempty"`
		Former  *crdt.Author  `json:"former,omitempty"`
	}{
		t.Why, headOf(t.From), headOf(t.End), clipped(t.Asked), clipped(t.Missing), clipped(t.Without),
		t.Places[:min(len(t.Places), maxPlaces)], t.Alone, t.Former,
	})
}

type head struct {
	Next uint64     `json:"next"`
	Op   *crdt.OpID `json:"op,omitempty"`
}

func headOf(h crdt.Head) head {
	if h.Next == 0 {
		return head{}
	}
	return head{Next: h.Next, Op: &h.ID}
}

func clipped(all []crdt.Author) []crdt.Author { return all[:min(len(all), maxNamed)] }
