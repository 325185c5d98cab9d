// Package pagetoken is the text by which a reader asks for the page of a query behind one that it has.
package pagetoken

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/quipulog/quipu/crdt"
)

// A Token is, in base64 without padding:
//
//	version 1 │ node 8 │ incarnation 16 │ query 16 │ bound 8 │ sweep 8 │ author 32 │ seq 8 │ op 32 │ clock 8 │ offset 8
//
// Node is the beginning of the node's author, Query the hash of the query with its order, Bound the
// arrival offset at which the snapshot ends, Sweep the last sweep before it; the rest is where the page ended.
type Token struct {
	Version      uint8
	Node         [8]byte
	Incarnation  [16]byte
	Query        [16]byte
	Bound, Sweep uint64
	End          End
}

// End is where a page ended: everything that any order needs to go on after that entry.
type End struct {
	Author crdt.Author
	Seq    uint64
	Op     crdt.OpID
	Clock  crdt.Clock
	Offset uint64
}

const version = 2

// String returns the token as text.
func (t Token) String() string {
	t.Version = version
	b, _ := binary.Append(nil, binary.BigEndian, t) // all of it has a fixed size
	return base64.RawURLEncoding.EncodeToString(b)
}

// Parse reads a token, or returns what is wrong with it: "token" (it is none) or "version". The bytes are a
// stranger's: they may name any place, which does no harm, since a reader looks for what is after it.
func Parse(s string) (t Token, wrong string) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	switch {
	case err != nil || len(b) == 0:
	case b[0] != version:
		return t, "version"
	case len(b) == binary.Size(t):
		_, _ = binary.Decode(b, binary.BigEndian, &t)
		return t, ""
	}
	return t, "token"
}

// Misfit returns what is wrong with the token for a reading that would make want, whose bound is the present one:
// "node", "incarnation", "query" or "bound"; "" for nothing.
func (t *Token) Misfit(want Token) string {
	switch {
	case t.Node != want.Node:
		return "node"
	case t.Incarnation != want.Incarnation:
		return "incarnation"
	case t.Query != want.Query:
		return "query"
	case t.Bound > want.Bound || t.Sweep > want.Sweep || t.End.Offset >= t.Bound || t.End.Seq >= crdt.MaxSeq:
		return "bound"
	}
	return ""
}

// Explain says what a reason means that Parse or Misfit has given, and what to do.
func Explain(reason string) string {
	switch reason {
	case "version":
		return "page token was made by another version of quipu: begin again without it"
	case "node":
		return "page token was made by another node: ask that one, or begin again without it"
	case "incarnation":
		return "page token is of arrivals that are not in this folder, which is a copy, or was put back to an older state since: begin again without it"
	case "query":
		return "page token was made for another query: repeat that one, or begin again without it"
	case "bound":
		return "page token is of a snapshot that this node never had: begin again without it"
	}
	return "not a page token"
}
