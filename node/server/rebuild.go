package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/query"
	"github.com/quipulog/quipu/eventlog/rebuild"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/api"
)

// rebuildInput says what to rebuild.
type rebuildInput struct{ Body api.RebuildRequest }

// postRebuild makes what the request names anew.
func (s *server) postRebuild(ctx context.Context, in *rebuildInput, tell func(api.Progress)) (api.Rebuilt, error) {
	order := in.Body
	follower, isFollower := strings.CutPrefix(order.Name, api.RebuildFollower)
	switch {
	case order.Name == api.RebuildTransitions:
		return s.rebuildTransitions(ctx, order, tell)
	case order.Name != api.RebuildIndex && !isFollower:
		return api.Rebuilt{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("nothing is called %q that a node rebuilds: expected %s, %s or %sNAME",
			clip.Text(order.Name), api.RebuildTransitions, api.RebuildIndex, api.RebuildFollower)}
	case order != (api.RebuildRequest{Name: order.Name}):
		return api.Rebuilt{}, invalid(fmt.Errorf("rebuild %s: it is made of all that the node holds: expected no range, no order and nothing to wait for", clip.Text(order.Name)))
	case isFollower:
		return s.rebuildFollower(ctx, order.Name, follower)
	}
	i, err := s.rebuildIndex(ctx, tell)
	return api.Rebuilt{Name: order.Name, Entries: i.Next, Index: &i}, err
}

// rebuildTransitions makes the stages of all subjects anew, or goes on with that.
func (s *server) rebuildTransitions(ctx context.Context, order api.RebuildRequest, tell func(api.Progress)) (told api.Rebuilt, err error) {
	if order.Wait != 0 && s.daemon == nil {
		return told, &api.Error{Code: api.NotRunning, Message: `no daemon runs here, and only a running one fetches what is not here yet: "quipu start --dir D"`}
	}
	bounds, err := boundsOf(nil, order.To)
	if err == nil && !bounds.Until.IsZero() {
		err = invalid(errors.New("rebuild transitions: event times bound no range: expected a frontier or a time by the clocks"))
	}
	cfg := rebuild.Config{To: bounds.Frontier, Clock: bounds.Clock, Wait: time.Duration(order.Wait), Anew: order.Anew}
	if err == nil {
		cfg.Order, err = query.ParseOrder(order.Order)
	}
	if err != nil {
		return told, err
	}
	err = s.log.View(ctx, func(tx *eventlog.ReadTx) error {
		at, found, err := rebuild.Find(tx, transition.Kind)
		switch {
		case err != nil: // Rebuild says so, unless it is to begin anew
		case found && at.Finished.IsZero() && order.Order == "" && !cfg.Anew:
			cfg.Order = at.Range.Order
		case found && !at.Finished.IsZero():
			cfg.Anew = true // it is asked for once more
		}
		return nil
	})
	if err != nil {
		return told, err
	}
	cfg.Progress = func(p rebuild.Progress) {
		unit := "entries"
		if p.Waits {
			unit = "entries here"
		}
		tell(api.Progress{Done: p.Done, Total: p.Total, Unit: unit, Resumed: p.Resumed})
	}
	done, err := transition.Rebuild(ctx, s.log, cfg)
	if err != nil {
		return told, calledTransitions{err}
	}
	frontier := done.Range.To.Hash()
	return api.Rebuilt{
		Name: order.Name, Entries: done.Entries, Gone: done.Gone, Resumed: done.Resumed, Order: done.Range.Order.String(), Frontier: &frontier,
		Clock: done.Range.Clock, Subjects: done.Subjects, State: hex.EncodeToString(done.Hash[:]),
	}, nil
}

// calledTransitions is an error of the rebuild of transitions, which has another name in the log than for clients, and
// begins anew by a flag.
type calledTransitions struct{ error }

func (e calledTransitions) Error() string {
	text := strings.Replace(e.error.Error(), fmt.Sprintf("rebuild %q", transition.Kind), "rebuild "+api.RebuildTransitions, 1)
	if begun, anew := strings.CutSuffix(text, "begin anew"); anew {
		return begun + "begin anew with --anew"
	}
	return text
}

func (e calledTransitions) Unwrap() error { return e.error }

// rebuildFollower drops what a follower has built in the log, and has it begin anew: what it builds is its program's to
// know. Meanwhile it holds back trims.
//
// A crash between the two finds no follower, which begins anew, too.
func (s *server) rebuildFollower(ctx context.Context, name, follower string) (api.Rebuilt, error) {
	f, err := s.log.Follower(ctx, follower)
	if err == nil && f.Elsewhere {
		err = fmt.Errorf("rebuild %s: %w: rebuild it where its program keeps it", clip.Text(name), eventlog.ErrElsewhere)
	}
	if err == nil && strings.HasPrefix(follower, rebuild.Prefix) {
		err = invalid(fmt.Errorf("%q holds back trims for a rebuild, and builds nothing", clip.Text(follower)))
	}
	if err == nil {
		err = s.log.RemoveFollower(ctx, follower)
	}
	if err == nil {
		err = s.log.Update(ctx, func(tx *eventlog.Tx) error { return tx.SetCursor(follower, 0) })
	}
	if err != nil {
		return api.Rebuilt{}, err
	}
	f, err = s.log.Follower(ctx, follower)
	told := followerOf(f)
	return api.Rebuilt{Name: name, Entries: f.Lag, Follower: &told}, err
}

// getRebuilds answers with how far the rebuilds are, those of programs too.
func (s *server) getRebuilds(ctx context.Context, _ *none) ([]api.Rebuild, error) {
	all, err := rebuild.List(ctx, s.log)
	told := make([]api.Rebuild, len(all))
	for i, a := range all {
		told[i] = api.Rebuild{
			Name: a.Name, Order: a.Range.Order.String(), Frontier: a.Range.To.Hash(), Done: a.Done, Total: a.Total, Gone: a.Gone,
			Unusable: a.Unusable, Began: a.Began, Saved: a.Saved, Finished: a.Finished,
		}
		if a.Name == transition.Kind {
			told[i].Name = api.RebuildTransitions
		}
		if a.Err != nil {
			told[i] = api.Rebuild{Name: told[i].Name, Error: a.Err.Error()}
		}
	}
	return told, err
}
