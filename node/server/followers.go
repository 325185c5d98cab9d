package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// getFollowers streams where each follower stands.
func (s *server) getFollowers(w http.ResponseWriter, r *http.Request) {
	stream(s, w, each(s.log.Followers(r.Context())), followerOf)
}

// getFollower answers with where one follower stands.
func (s *server) getFollower(r *http.Request) (any, error) {
	params, err := followerParams(r)
	if err != nil {
		return nil, err
	}
	return s.showFollower(r, params.Get(api.ParamName))
}

func (s *server) showFollower(r *http.Request, name string) (any, error) {
	f, err := s.log.Follower(r.Context(), name)
	return followerOf(f), err
}

// postFollowerReset moves a follower, and answers with where it stands then.
func (s *server) postFollowerReset(r *http.Request) (any, error) {
	params, err := followerParams(r)
	var to uint64
	if err == nil {
		to, err = resetTo(params.Get(api.ParamTo))
	}
	name := params.Get(api.ParamName)
	if err == nil {
		err = s.log.ResetFollower(r.Context(), name, to)
	}
	if err != nil {
		return nil, err
	}
	return s.showFollower(r, name)
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
func (s *server) postFollowerSkip(r *http.Request) (any, error) {
	params, err := followerParams(r)
	var n, skipped uint64
	if err == nil {
		n, err = strconv.ParseUint(params.Get(api.ParamEntries), 10, 64)
		if err != nil || n == 0 {
			err = invalid(fmt.Errorf("parameter %s: %q: expected a number of entries, 1 or more", api.ParamEntries, params.Get(api.ParamEntries)))
		}
	}
	if err == nil {
		skipped, err = s.log.SkipFollower(r.Context(), params.Get(api.ParamName), n)
	}
	return api.Counted{Entries: skipped}, err
}

// postFollowerRemove forgets a follower.
func (s *server) postFollowerRemove(r *http.Request) (any, error) {
	params, err := followerParams(r)
	if err == nil {
		err = s.log.RemoveFollower(r.Context(), params.Get(api.ParamName))
	}
	return api.Counted{}, err
}

// getParked streams what a follower has parked.
func (s *server) getParked(w http.ResponseWriter, r *http.Request) {
	params, err := followerParams(r)
	var parked []eventlog.ParkedEntry
	if err == nil {
		parked, err = s.log.Parked(r.Context(), params.Get(api.ParamName))
	}
	stream(s, w, each(parked, err), parkedOf)
}

// postFollowerDrop gives up what a follower has parked, and answers with how many entries that were.
func (s *server) postFollowerDrop(r *http.Request) (any, error) {
	params, err := followerParams(r)
	var offsets []uint64
	for _, text := range params[api.ParamOffset] {
		offset, wrong := strconv.ParseUint(text, 10, 64)
		if wrong != nil {
			err = invalid(fmt.Errorf("parameter %s: %q: expected an offset", api.ParamOffset, text))
		}
		offsets = append(offsets, offset)
	}
	var dropped int
	if err == nil {
		dropped, err = s.log.DropParked(r.Context(), params.Get(api.ParamName), offsets...)
	}
	return api.Counted{Entries: uint64(dropped)}, err
}

// followerParams returns the parameters of a call about a follower. One that stands there twice is refused
// where one value is wanted: a call that changes something does not guess.
func followerParams(r *http.Request) (url.Values, error) {
	params := r.URL.Query()
	for name, values := range params {
		if len(values) > 1 && name != api.ParamOffset {
			return nil, invalid(fmt.Errorf("parameter %s: %q: one value is enough", name, values[1]))
		}
	}
	return params, nil
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
