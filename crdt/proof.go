package crdt

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt/object"
)

// ErrProof is wrapped by every error that says why an [EntryProof] proves nothing.
var ErrProof = errors.New("proof does not hold")

// maxPath is the most hashes that lead from an entry to the root of its op: one for each doubling up
// to [MaxOpEntries].
const maxPath = 12

// EntryProof proves one entry to somebody who has nothing but its author's key and the log's id. The
// entry's bytes and the Merkle path lead to the root in the first header; each header after it names
// the one before it; the last one is an anchor, whose own signature verifies.
//
//	entry ─ path ─▶ Headers[0] ◀─ … ◀─ Headers[n] anchor ◀─ the author's signature
type EntryProof struct {
	Log     LogID
	Entry   []byte   // the entry as its author encoded it
	Index   uint64   // of the entry within its op
	Path    []Hash   // from the entry to the op's root (RFC 6962, section 2.1.1)
	Headers []Signed // from the entry's op up to its anchor
}

// ProveEntry returns the proof of entry seq of op, which is held with an anchor at or above it. A
// trimmed op has no entries left to prove.
func ProveEntry(held Held, op Op, seq uint64) (EntryProof, error) {
	if seq < op.First || seq >= op.Next() {
		return EntryProof{}, fmt.Errorf("prove entry %d: op %s/%d holds %d to %d", seq, op.Author.Short(), op.First, op.First, op.Next()-1)
	}
	if op.Trimmed() {
		return EntryProof{}, fmt.Errorf("prove entry %d: op %s/%d was trimmed", seq, op.Author.Short(), op.First)
	}
	headers, err := toAnchor(held, op.Signed)
	if err != nil {
		return EntryProof{}, fmt.Errorf("prove entry %d: %w", seq, err)
	}
	p := EntryProof{Log: op.Log, Index: seq - op.First, Headers: headers}
	leaves := make([]Hash, 0, op.Count)
	for i, b := range op.encoded() {
		if i == p.Index {
			p.Entry = b
		}
		leaves = append(leaves, leafHash(b))
	}
	if p.Path, err = inclusionPath(leaves, p.Index); err != nil {
		return EntryProof{}, fmt.Errorf("prove entry %d: %w", seq, err)
	}
	return p, nil
}

// Author returns who is said to have written the entry; the zero Author if p has no headers.
func (p EntryProof) Author() Author {
	if len(p.Headers) == 0 {
		return Author{}
	}
	return p.Headers[0].Author
}

// Seq returns the seq that the entry is said to have.
func (p EntryProof) Seq() uint64 {
	if len(p.Headers) == 0 {
		return 0
	}
	return p.Headers[0].First + p.Index
}

// Verify checks the proof and returns the entry that it proves, which shares its memory. It says that
// the entry's author signed it for the log p.Log; whether those are the author and the log that the
// caller means, the caller compares. Nothing tells whether the entry is disputed. Errors wrap
// [ErrProof].
func (p EntryProof) Verify() (Entry, error) {
	e, err := p.verify()
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return e, nil
}

func (p EntryProof) verify() (Entry, error) {
	if err := verifyToAnchor(p.Headers, p.Log); err != nil {
		return Entry{}, err
	}
	op := p.Headers[0]
	if err := op.checkSize(len(op.raw) + len(p.Entry)); err != nil {
		return Entry{}, err
	}
	if err := verifyInclusion(leafHash(p.Entry), p.Index, op.Count, p.Path, op.Root); err != nil {
		return Entry{}, err
	}
	s, event := shape{b: p.Entry}, Event{Retention: op.Retention}
	s.entry(&event, &headerRoom{left: 1})
	s.end("entry")
	if s.err != nil {
		return Entry{}, s.err
	}
	return Entry{Event: event, Author: op.Author, Seq: p.Seq(), Op: op.ID, Clock: op.Clock}, nil
}

// proofForm is the JSON form of an EntryProof. Place is there for people, and must be true.
type proofForm struct {
	Version uint64   `json:"version"`
	Log     LogID    `json:"log"`
	Place   Place    `json:"place"`
	Index   uint64   `json:"index"`
	Entry   []byte   `json:"entry"`   // base64
	Path    []Hash   `json:"path"`    // hex
	Headers [][]byte `json:"headers"` // base64 of header ‖ signature
}

// MarshalJSON returns the JSON form: hashes in hex, bytes in base64.
func (p EntryProof) MarshalJSON() ([]byte, error) {
	form := proofForm{
		Version: Version, Log: p.Log, Place: Place{Author: p.Author(), Seq: p.Seq()},
		Index: p.Index, Entry: p.Entry, Path: p.Path, Headers: make([][]byte, len(p.Headers)),
	}
	if form.Path == nil {
		form.Path = []Hash{}
	}
	for i, h := range p.Headers {
		form.Headers[i] = h.Bytes()
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads the JSON form. It refuses unknown and missing fields, headers that do not parse
// and more than [MaxProof] bytes, and does not verify the proof. Errors wrap [ErrProof].
func (p *EntryProof) UnmarshalJSON(b []byte) error {
	parsed, err := parseProof(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	*p = parsed
	return nil
}

func parseProof(b []byte) (EntryProof, error) {
	if len(b) > MaxProof {
		return EntryProof{}, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrMalformed, len(b), MaxProof)
	}
	var form proofForm
	into := map[string]any{
		"version": &form.Version, "log": &form.Log, "place": &form.Place, "index": &form.Index,
		"entry": &form.Entry, "path": &form.Path, "headers": &form.Headers,
	}
	known := []string{"version", "log", "place", "index", "entry", "path", "headers"}
	err := object.Fields{Known: known, Needed: known}.Read(b, func(name string, value []byte) error {
		return json.Unmarshal(value, into[name])
	})
	if err != nil {
		return EntryProof{}, err
	}
	return form.proof()
}

// proof returns what the form says, with its headers parsed.
func (form proofForm) proof() (EntryProof, error) {
	if form.Version != Version {
		return EntryProof{}, &VersionError{What: "entry proof", Version: form.Version}
	}
	if len(form.Path) > maxPath {
		return EntryProof{}, fmt.Errorf("path has %d hashes, at most %d are allowed", len(form.Path), maxPath)
	}
	p := EntryProof{Log: form.Log, Index: form.Index, Entry: form.Entry, Path: form.Path}
	for _, raw := range form.Headers {
		signed, err := ParseSigned(raw)
		if err != nil {
			return EntryProof{}, err
		}
		p.Headers = append(p.Headers, signed)
	}
	if place := (Place{Author: p.Author(), Seq: p.Seq()}); form.Place != place {
		return EntryProof{}, fmt.Errorf("place is %s, but what is proven is %s", form.Place, place)
	}
	return p, nil
}
