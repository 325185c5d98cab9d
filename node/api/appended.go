package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// Appended is an event that is an entry now, durable on the node that was asked.
type Appended struct {
	Place crdt.Place `json:"place"`
	// Known says that the entry was there: an event with the same id was appended before.
	Known bool `json:"known,omitempty"`
	// Replicated is there where others were waited for.
	Replicated *Replicated `json:"replicated,omitempty"`
}

// AppendedBatch are events that were appended together, in order.
type AppendedBatch struct {
	Appended []Appended `json:"appended"` // one for each event, in their order
	// Replicated is there where others were waited for: those who hold the last of the entries hold all.
	Replicated *Replicated `json:"replicated,omitempty"`
}

// Replicated is which other nodes hold what was appended, when they were waited for.
type Replicated struct {
	// Satisfied says that those hold it who were waited for. If not, the time was over, and it goes on to them by itself.
	Satisfied bool `json:"satisfied"`
	// Have are the nodes that hold it, Missing the others that are known.
	Have    []Receipt `json:"have"`
	Missing []Receipt `json:"missing"`
}

// Placed is what a stream of appends tells of an event whose entry was there: of any other it tells the place alone.
type Placed struct {
	Place crdt.Place `json:"place"` // where the entry stands
	Known bool       `json:"known"` // always true
}

// KeyHeader is the header of a request that names what it appends, so that it can be sent again after a lost answer: one event
// by the key itself, several by KEY/1, KEY/2 and so on, in lines by their numbers.
const KeyHeader = "Idempotency-Key"

// AppendHeaders are those of an append.
var AppendHeaders = []Parameter{
	{Name: KeyHeader, About: "Names the events, in 1 to 255 visible characters: one by itself, of several the i-th, or that in line i, by KEY/i. Where an entry has the name already, its place is returned, and nothing is appended. A CloudEvent that comes without a key has its source and id as its name."},
}

// paramFirstLine is the number of the first line of a stream.
const paramFirstLine = "first-line"

// AppendParameters are those of an append.
var AppendParameters = append(slices.Clip(WaitParameters),
	Parameter{Name: paramFirstLine, Type: "integer", Default: 1, About: "The number of the first line, where an earlier call with the same key has come so far."})

// Key is what a request names its events by; "" for nothing.
type Key string

// KeyOf returns the key of a request by its [KeyHeader], which may be left out, but neither be empty nor stand there twice:
// whoever sends it counts on it.
func KeyOf(h http.Header) (Key, error) {
	switch values := h.Values(KeyHeader); {
	case len(values) > 1:
		return "", fmt.Errorf("header %s stands there %d times: expected it once", KeyHeader, len(values))
	case len(values) == 1:
		return ParseKey(values[0])
	}
	return "", nil
}

// ParseKey reads the value of a [KeyHeader].
func ParseKey(text string) (Key, error) {
	if text == "" || len(text) > 255 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("header " + KeyHeader + ": expected 1 to 255 visible characters of ASCII")
	}
	return Key(text), nil
}

// Of returns the id of the n-th of several events; "" without a key.
func (k Key) Of(n int) string {
	if k == "" {
		return ""
	}
	return string(k) + "/" + strconv.Itoa(n)
}

// ParseFirstLine reads the number of the first line of a stream.
func ParseFirstLine(v url.Values) (int, error) {
	if !v.Has(paramFirstLine) {
		return 1, nil
	}
	n, err := strconv.ParseUint(v.Get(paramFirstLine), 10, 53)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("parameter %s: %q: expected a number from 1 on", paramFirstLine, v.Get(paramFirstLine))
	}
	return int(n), nil
}

// NoFirstLine says that the number of a first line was given where there are no lines, or nil.
func NoFirstLine(v url.Values) error {
	if v.Has(paramFirstLine) {
		return fmt.Errorf("parameter %s: the body is no stream of lines", paramFirstLine)
	}
	return nil
}

// FromLine returns the query of an append, see [Wait.Query], with the number of its first line.
func FromLine(query string, n int) string {
	if n == 1 {
		return query
	}
	sign := "&"
	if query == "" {
		sign = "?"
	}
	return query + sign + paramFirstLine + "=" + strconv.Itoa(n)
}
