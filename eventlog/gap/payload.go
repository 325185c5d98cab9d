package gap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
)

// maxPayload bounds the payload that is looked at, in bytes: 256 kinds and a reason, each byte escaped
// in six.
const maxPayload = 512 << 10

// payload is the JSON form of a gap; the order of the fields is that of the bytes.
type payload struct {
	Reason string        `json:"reason,omitempty"`
	Count  uint64        `json:"count"`
	First  uint64        `json:"first,omitempty"`
	Last   uint64        `json:"last,omitempty"`
	From   string        `json:"from,omitempty"`
	Until  string        `json:"until,omitempty"`
	Kinds  []kindPayload `json:"kinds,omitempty"`
	AtMost bool          `json:"atMost,omitempty"`
}

type kindPayload struct {
	Kind  string `json:"kind"`
	Count uint64 `json:"count"`
}

// timeForm is RFC 3339 in UTC with nine decimals.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// encode returns the one form of the payload. The gap was checked.
func (g *Gap) encode() []byte {
	p := payload{
		Reason: g.Reason, Count: g.Count, First: g.First, Last: g.Last,
		From: timeText(g.From), Until: timeText(g.Until), AtMost: g.AtMost,
	}
	for _, k := range g.Kinds {
		p.Kinds = append(p.Kinds, kindPayload(k))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // texts and numbers can always be encoded, and a buffer always written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// parsePayload reads a payload. Fields may stand in any order; those that are not a gap's are left
// alone: a later version may know them.
func parsePayload(b []byte) (Gap, error) {
	if len(b) > maxPayload {
		return Gap{}, fmt.Errorf("%d bytes: at most %d are read", len(b), maxPayload)
	}
	if !utf8.Valid(b) {
		return Gap{}, errors.New("not valid UTF-8")
	}
	var p payload
	if err := json.Unmarshal(b, &p); err != nil {
		return Gap{}, err
	}
	if len(p.Kinds) > MaxKinds {
		return Gap{}, fmt.Errorf("%d kinds: at most %d are listed", len(p.Kinds), MaxKinds)
	}
	g := Gap{Reason: p.Reason, Count: p.Count, First: p.First, Last: p.Last, AtMost: p.AtMost}
	for _, k := range p.Kinds {
		g.Kinds = append(g.Kinds, KindCount(k))
	}
	var err error
	if g.From, err = parseTime(p.From); err != nil {
		return Gap{}, fmt.Errorf("from: %w", err)
	}
	if g.Until, err = parseTime(p.Until); err != nil {
		return Gap{}, fmt.Errorf("until: %w", err)
	}
	return g, nil
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return crdt.ParseTime(s)
}
