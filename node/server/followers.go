package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getFollowers streams where each follower stands.
func (s *server) getFollowers(w http.ResponseWriter, r *http.Request, _ *none) {
	stream(s, w, r, each(s.log.Followers(r.Context())), followerOf)
}

// followerInput names a follower.
type followerInput struct {
	queried
	Name string `path:"name" doc:"Of the follower, percent-encoded."`
}

// getFollower answers with where one follower stands.
func (s *server) getFollower(ctx context.Context, in *followerInput) (api.Follower, error) {
	f, err := s.log.Follower(ctx, in.Name)
	return followerOf(f), err
}

// postFollowerReset moves a follower, and answers with where it stands then.
func (s *server) postFollowerReset(ctx context.Context, in *followerInput) (api.Follower, error) {
	to, err := resetTo(in.params.Get(api.ParamTo))
	if err == nil {
		err = s.log.ResetFollower(ctx, in.Name, to)
	}
	if err != nil {
		return api.Follower{}, err
	}
	return s.getFollower(ctx, in)
}

// resetTo returns the offset that a follower is moved to.
func resetTo(text string) (uint64, error) {
	switch text {
	case api.ToStart:
		return 0, nil
	case api.ToEnd:
		return eventlog.Now, nil
	}
	offset, err := strconv.ParseUint(text, 10, 64)
	if err != nil || offset >= crdt.MaxSeq {
		return 0, invalid(fmt.Errorf("parameter %s: %q: expected %s, %s or an offset", api.ParamTo, text, api.ToStart, api.ToEnd))
	}
	return offset, nil
}

// postFollowerSkip moves a follower behind some entries, and answers with how many they were.
func (s *server) postFollowerSkip(ctx context.Context, in *followerInput) (api.Counted, error) {
	text := in.params.Get(api.ParamEntries)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return api.Counted{}, invalid(fmt.Errorf("parameter %s: %q: expected a number of entries, 1 or more", api.ParamEntries, text))
	}
	skipped, err := s.log.SkipFollower(ctx, in.Name, n)
	return api.Counted{Entries: skipped}, err
}

// deleteFollower forgets a follower.
func (s *server) deleteFollower(ctx context.Context, in *followerInput) (api.Counted, error) {
	return api.Counted{}, s.heldBy(in.Name, s.log.RemoveFollower(ctx, in.Name))
}

// getParked streams what a follower has parked.
func (s *server) getParked(w http.ResponseWriter, r *http.Request, in *followerInput) {
	stream(s, w, r, each(s.log.Parked(r.Context(), in.Name)), parkedOf)
}

// postFollowerDrop gives up what a follower has parked, and answers with how many entries that were.
func (s *server) postFollowerDrop(ctx context.Context, in *followerInput) (api.Counted, error) {
	var offsets []uint64
	for _, text := range in.params[api.ParamOffset] {
		offset, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return api.Counted{}, invalid(fmt.Errorf("parameter %s: %q: expected an offset", api.ParamOffset, text))
		}
		offsets = append(offsets, offset)
	}
	dropped, err := s.log.DropParked(ctx, in.Name, offsets...)
	return api.Counted{Entries: uint64(dropped)}, err
}

// followerOf returns what is told of a follower.
func followerOf(f eventlog.FollowerStatus) api.Follower {
	told := api.Follower{
		Name: f.Name, Cursor: f.Cursor, Next: f.Next, Lag: f.Lag, LagSeconds: f.LagTime.Seconds(),
		Running: f.Running, Elsewhere: f.Elsewhere,
		Handled: f.Handled, Parked: f.Parked, Skipped: f.Skipped, Dropped: f.Dropped, Trimmed: f.Trimmed,
		Filter: f.Filter, Holds: f.Holds, Since: f.Since,
	}
	if f.Failure != nil {
		failure := failureOf(*f.Failure)
		told.Failure = &failure
	}
	return told
}

func failureOf(f eventlog.Failure) api.FollowerFailure {
	return api.FollowerFailure{Error: f.Error, Time: f.Time, Attempts: f.Attempts, First: f.First, Last: f.Last}
}

func parkedOf(p eventlog.ParkedEntry) api.ParkedEntry {
	return api.ParkedEntry{
		Offset: p.Offset, Author: p.Author, Seq: p.Seq, Op: p.Op, Kind: p.Kind, Subject: p.Subject, Failure: failureOf(p.Failure),
	}
}
