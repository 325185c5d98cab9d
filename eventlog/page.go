package eventlog

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// DefaultPage is how many entries a page has when the query sets no limit.
const DefaultPage = 1000

// Page returns one page of the query, of at most Limit entries ([DefaultPage] when Limit is 0), and the token of the
// next page: "" after the last. All pages together show the log as it was when the first was read. Between pages no
// transaction and no memory is held. A token of another node, incarnation or query is refused with a [*PageError].
func (l *Log) Page(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	q.Limit = cmp.Or(q.Limit, DefaultPage)
	r, err := l.store.newReading(q)
	if err != nil {
		return nil, "", err
	}
	defer r.close()
	err = r.each(ctx, func(e *Entry) bool {
		if len(entries) == q.Limit {
			// One more than asked for: there is a next page, and it begins after the last of this one.
			t := r.token(pageEndOf(&entries[len(entries)-1], q.Reverse))
			next = t.encode()
			return false
		}
		entries = append(entries, e.Clone())
		return true
	})
	if err != nil {
		return nil, "", err
	}
	return entries, next, nil
}

// PageError is returned by everything that takes a [Query] for a page token that cannot be used.
type PageError struct {
	// Reason says what is wrong with the token: "token" (it is none), or what it does not fit: "version",
	// "node", "incarnation", "query" or "bound".
	Reason string
}

func (e *PageError) Error() string {
	switch e.Reason {
	case "version":
		return "page token was made by another version of quipu: begin again without it"
	case "node":
		return "page token was made by another node: ask that one, or begin again without it"
	case "incarnation":
		return "page token was made before this node's arrivals began anew: begin again without it"
	case "query":
		return "page token was made for another query: repeat that one, or begin again without it"
	case "bound":
		return "page token is of a snapshot that this node never had: begin again without it"
	}
	return "not a page token"
}

// token returns the token of the page that begins behind end.
func (r *reading) token(end pageEnd) token {
	return token{
		Version: tokenVersion, Node: [8]byte(r.store.author[:8]), Incarnation: r.store.incarnation, Query: r.query.hash(),
		Snapshot: r.snapshot, End: end,
	}
}

// turn makes the reading go on with the page of a token.
func (r *reading) turn(page string) error {
	t, err := parseToken(page)
	if err == nil {
		err = t.fits(r.token(pageEnd{}))
	}
	r.snapshot, r.after = t.Snapshot, &t.End
	return err
}

// A page token is, in base64 without padding:
//
//	version 1 │ node 8 │ incarnation 16 │ query 16 │ bound 8 │ sweep 8 │ author 32 │ seq 8 │ op 32 │ clock 8 │ offset 8
//
// node is the beginning of the node's author, query the hash of the query with its order, bound the
// arrival offset at which the snapshot ends, sweep the last sweep before it; the rest is where the page ended.
type token struct {
	Version     uint8
	Node        [8]byte
	Incarnation [16]byte
	Query       [16]byte
	Snapshot    snapshot
	End         pageEnd
}

const tokenVersion = 2

func (t *token) encode() string {
	b, _ := binary.Append(nil, binary.BigEndian, t) // all of it has a fixed size
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseToken reads a token. The bytes are a stranger's: they may name any place, which does no harm,
// since a reader looks for what is after it.
func parseToken(s string) (t token, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	reason := "token"
	switch {
	case err != nil || len(b) == 0:
	case b[0] != tokenVersion:
		reason = "version"
	case len(b) == binary.Size(t):
		_, err = binary.Decode(b, binary.BigEndian, &t)
		return t, err
	}
	return t, fmt.Errorf("read page: %w", &PageError{Reason: reason})
}

// fits says why the token cannot be used for a reading that would make want, whose bound is the present one.
func (t *token) fits(want token) error {
	reason := ""
	switch {
	case t.Node != want.Node:
		reason = "node"
	case t.Incarnation != want.Incarnation:
		reason = "incarnation"
	case t.Query != want.Query:
		reason = "query"
	case t.Snapshot.Bound > want.Snapshot.Bound || t.Snapshot.Sweep > want.Snapshot.Sweep ||
		t.End.Offset >= t.Snapshot.Bound || t.End.Seq >= crdt.MaxSeq:
		reason = "bound"
	default:
		return nil
	}
	return fmt.Errorf("read page: %w", &PageError{Reason: reason})
}
