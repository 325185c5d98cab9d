package server

import (
	"context"
	"strings"

	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

const (
	// maxSought bounds the entries that are looked at to tell that none has a value.
	maxSought = 1 << 18
	// maxResembled bounds the newest entries of which one may have a value that resembles it.
	maxResembled = 1 << 12
)

// getUnmatched answers with the values of the query that no entry has.
func (s *server) getUnmatched(ctx context.Context, in *queried) ([]api.Unmatched, error) {
	q, err := readQuery(in.params)
	if err != nil {
		return nil, err
	}
	index, err := s.log.IndexStatus()
	if err != nil {
		return nil, err
	}
	unmatched := []api.Unmatched{}
	for _, a := range q.Authors {
		if s.log.Feed(a).IsZero() {
			unmatched = append(unmatched, api.Unmatched{What: "author", Value: a.String()})
		}
	}
	for _, c := range columns {
		for _, value := range *c.values(&q) {
			none, err := s.isUnmatched(ctx, index, c, value)
			if err != nil {
				return nil, err
			}
			if none {
				unmatched = append(unmatched, api.Unmatched{What: c.what, Value: value})
			}
		}
	}
	if err := s.resemble(ctx, unmatched); err != nil {
		return nil, err
	}
	return unmatched, nil
}

// column is a text of an entry that a query can name.
type column struct {
	what   string
	values func(*eventlog.Query) *[]string
	of     func(*eventlog.Entry) string
	// indexed says that the index finds the entries that have a value, which is no prefix.
	indexed bool
}

var columns = []column{
	{"kind", func(q *eventlog.Query) *[]string { return &q.Kinds }, func(e *eventlog.Entry) string { return e.Kind }, true},
	{"module", func(q *eventlog.Query) *[]string { return &q.Modules }, func(e *eventlog.Entry) string { return e.Module }, false},
	{"subject", func(q *eventlog.Query) *[]string { return &q.Subjects }, func(e *eventlog.Entry) string { return e.Subject }, true},
}

// isUnmatched reports whether it is certain that no entry has the value, where the index is as far as index says.
func (s *server) isUnmatched(ctx context.Context, index eventlog.IndexStatus, c column, value string) (bool, error) {
	scanned := index.Next
	if c.indexed && value != "" && !strings.HasSuffix(value, eventlog.AnyKind) && !index.Off && !index.Damaged {
		scanned -= index.Reached
	}
	if scanned > maxSought {
		return false, nil
	}
	q := eventlog.Query{Order: eventlog.Arrival, Reverse: true, Limit: 1, GoOn: true}
	*c.values(&q) = []string{value}
	for _, err := range s.log.Entries(ctx, q) {
		return false, err
	}
	return true, nil
}

// resemble finds values of the newest entries that those without any resemble.
func (s *server) resemble(ctx context.Context, unmatched []api.Unmatched) error {
	if len(unmatched) == 0 {
		return nil
	}
	known := make(map[string][]string)
	seen := make(map[string]bool)
	for e, err := range s.log.Entries(ctx, eventlog.Query{Order: eventlog.Arrival, Reverse: true, Limit: maxResembled, GoOn: true}) {
		if err != nil {
			return err
		}
		for _, c := range columns {
			if value := c.of(&e); !seen[c.what+value] {
				value = strings.Clone(value)
				seen[c.what+value] = true
				known[c.what] = append(known[c.what], value)
			}
		}
	}
	for _, kind := range known["kind"] {
		if dot := strings.LastIndexByte(kind, '.'); dot > 0 {
			known["kind"] = append(known["kind"], kind[:dot]+eventlog.AnyKind)
		}
	}
	for i, u := range unmatched {
		unmatched[i].Nearest = nearest.Name(u.Value, known[u.What])
	}
	return nil
}
