package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getForks streams the authors who have forked.
func (s *server) getForks(w http.ResponseWriter, r *http.Request, _ *none) {
	names := s.authorNames()
	stream(s, w, r, s.log.ForkedFeeds(r.Context()), func(f eventlog.ForkedFeed) api.ForkedFeed { return forkedFeed(f, names) })
}

// authorInput names an author.
type authorInput struct {
	Author crdt.Author `path:"author" doc:"64 hex digits."`
}

// getFork answers with the forks of one author.
func (s *server) getFork(ctx context.Context, in *authorInput) (told api.ForkedFeed, err error) {
	f, err := s.log.ForkedFeed(ctx, in.Author)
	if errors.Is(err, eventlog.ErrNotFound) {
		err = &api.Error{Code: api.NotFound, Message: fmt.Sprintf("author %s has not forked, as far as this node knows: nothing of it is disputed", in.Author.Short())}
	}
	if err != nil {
		return told, err
	}
	told = forkedFeed(f, s.authorNames())
	for _, fork := range f.Forks {
		one, err := s.fork(ctx, fork)
		if err != nil {
			return told, err
		}
		told.Forks = append(told.Forks, one)
	}
	return told, nil
}

// forkedFeed returns what is told of an author who has forked, less where.
func forkedFeed(f eventlog.ForkedFeed, names map[crdt.Author]string) api.ForkedFeed {
	told := api.ForkedFeed{
		Author: f.Author, Name: names[f.Author], Branches: f.Heads, First: f.Since, Entries: f.Entries,
		Shut: string(f.Shut), Own: f.Own, OwnEnd: headOrNil(f.OwnEnd),
	}
	for _, fork := range f.Forks {
		for _, b := range fork.Branches {
			if at := b.First.Clock.Time(); told.Since.IsZero() || at.Before(told.Since) {
				told.Since = at
			}
		}
	}
	return told
}

// fork returns what is told of a fork, with the first and last entries of its branches.
func (s *server) fork(ctx context.Context, f eventlog.Fork) (api.Fork, error) {
	told := api.Fork{Prev: headOrNil(f.Prev), Below: f.Below, Proved: f.Proved}
	if len(f.Proof.A) > 0 {
		told.Proof = &api.ForkProof{A: headers(f.Proof.A), B: headers(f.Proof.B)}
	}
	for _, b := range f.Branches {
		branch := api.ForkBranch{
			First: header(b.First), Last: api.Head{Next: b.Last.Next(), Op: b.Last.ID}, Parts: b.Parts, Own: b.Own,
			Ops: b.Ops, Entries: b.Entries, From: b.First.Clock.Time(), Until: b.Last.Clock.Time(),
		}
		var err error
		if branch.Begin, err = s.entriesAt(ctx, b.Begin); err != nil {
			return api.Fork{}, err
		}
		if branch.End, err = s.entriesAt(ctx, b.End); err != nil {
			return api.Fork{}, err
		}
		told.Branches = append(told.Branches, branch)
	}
	return told, nil
}

// entriesAt returns the entries at places, less those that are not to be had.
func (s *server) entriesAt(ctx context.Context, places []crdt.Place) ([]json.RawMessage, error) {
	entries := []json.RawMessage{}
	for _, p := range places {
		e, err := s.log.Lookup(ctx, p)
		if as[*eventlog.TrimmedError](err) || as[*eventlog.AmbiguousError](err) || errors.Is(err, eventlog.ErrNotFound) {
			continue // gone, or two ops whose ids begin alike
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e.AppendJSON(nil, &e.Offset))
	}
	return entries, nil
}

// headOrNil returns nil for the zero head.
func headOrNil(h crdt.Head) *api.Head {
	if h.Next == 0 {
		return nil
	}
	return &api.Head{Next: h.Next, Op: h.ID}
}

func header(op crdt.Signed) api.Header {
	return api.Header{
		Op: op.ID, First: op.First, Count: op.Count, Prev: op.Prev, Root: op.Root, Clock: op.Clock, Floor: op.Floor,
		Signed: op.Bytes(),
	}
}

func headers(ops []crdt.Signed) [][]byte {
	all := make([][]byte, len(ops))
	for i, op := range ops {
		all[i] = op.Bytes()
	}
	return all
}
