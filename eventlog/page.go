package eventlog

import (
	"cmp"
	"context"
	"fmt"

	"github.com/quipulog/quipu/eventlog/internal/pagetoken"
)

// DefaultPage is how many entries a page has when the query sets no limit.
const DefaultPage = 1000

// Page returns one page of the query, of at most Limit entries ([DefaultPage] when Limit is 0) that take about 4 MiB of
// memory or are one, and the token of the next page: "" after the last. All pages together show the log as it was when the
// first was read. Between pages no transaction and no memory is held. A token of another node, incarnation or query is refused with a [*PageError].
func (l *Log) Page(ctx context.Context, q Query) (entries []Entry, next string, err error) {
	q.Limit = cmp.Or(q.Limit, DefaultPage)
	r, err := l.store.newReading(q)
	if err != nil {
		return nil, "", err
	}
	defer r.close()
	memory := 0
	err = r.each(ctx, func(e *Entry) bool {
		if len(entries) == q.Limit || memory > maxPage {
			// One more than is wanted: there is a next page, and it begins after the last of this one.
			next = r.token(pageEndOf(&entries[len(entries)-1], q.Reverse)).String()
			return false
		}
		entries = append(entries, e.Clone())
		memory += entries[len(entries)-1].Memory()
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

func (e *PageError) Error() string { return pagetoken.Explain(e.Reason) }

// token returns the token of the page that begins behind end.
func (r *reading) token(end pageEnd) pagetoken.Token {
	return pagetoken.Token{
		Node: [8]byte(r.store.author[:8]), Incarnation: r.store.names().Present, Query: r.query.Hash(),
		Bound: r.snapshot.Bound, Sweep: r.snapshot.Sweep, End: end.End,
	}
}

// turn makes the reading go on with the page of a token.
func (r *reading) turn(page string) error {
	t, wrong := pagetoken.Parse(page)
	if wrong == "" {
		here := r.token(pageEnd{})
		t.Node = r.store.authors.Present(t.Node)
		// What an earlier incarnation has told of a snapshot that is here still holds.
		offset, sweep, _ := r.store.names().Bound(t.Incarnation)
		if t.Bound <= offset && t.Sweep <= sweep {
			t.Incarnation = here.Incarnation
		}
		wrong = t.Misfit(here)
	}
	if wrong != "" {
		return fmt.Errorf("read page: %w", &PageError{Reason: wrong})
	}
	r.snapshot, r.after = snapshot{Bound: t.Bound, Sweep: t.Sweep}, &pageEnd{t.End}
	return nil
}
