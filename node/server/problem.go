package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/rebuild"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/cloudevent"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/lease"
)

// codes says, for each error that the log promises, what a client is told. The first that matches
// counts.
var codes = []struct {
	matches func(error) bool
	code    api.Code
}{
	{is(crdt.ErrEvent), api.Invalid},
	{is(cloudevent.ErrInvalid), api.Invalid},
	{is(access.ErrRefused), api.Unauthorized},
	{is(access.ErrTries), api.TooMany},
	{is(access.ErrToken), api.Invalid},
	{is(access.ErrTicket), api.Invalid},
	{is(access.ErrExists), api.Exists},
	{is(access.ErrFull), api.Full},
	{is(eventlog.ErrTooManyFollowers), api.Full},
	{is(eventlog.ErrTooManyParked), api.Full},
	{is(access.ErrNone), api.NotFound},
	{is(transition.ErrInvalid), api.Invalid},
	{is(machine.ErrInvalid), api.Invalid},
	{as[*transition.RefusedError], api.Refused},
	{as[*eventlog.IDReusedError], api.IDReused},
	{as[*eventlog.NotHeldError], api.NotFound},
	{is(eventlog.ErrQuery), api.Invalid},
	{as[*eventlog.PageError], api.Invalid},
	{as[*eventlog.AmbiguousError], api.Invalid},
	{as[*eventlog.HandlerError], api.Unhandled},
	{as[*eventlog.CursorError], api.Invalid},
	{is(eventlog.ErrCursor), api.Invalid},
	{is(eventlog.ErrName), api.Invalid},
	{is(eventlog.ErrFollowConfig), api.Invalid},
	{is(eventlog.ErrElsewhere), api.Invalid},
	{is(eventlog.ErrNoFollower), api.NotFound},
	{is(eventlog.ErrNotParked), api.NotFound},
	{as[*lease.HeldError], api.Leased},
	{is(lease.ErrLost), api.LeaseLost},
	{is(lease.ErrTurns), api.Busy},
	{is(eventlog.ErrFollowing), api.Busy},
	{is(cords.ErrWindow), api.Invalid},
	{is(rebuild.ErrConfig), api.Invalid},
	{is(rebuild.ErrVersion), api.Invalid},
	{as[*rebuild.RangeError], api.Busy},
	{is(rebuild.ErrTaken), api.Busy},
	{is(eventlog.ErrTransient), api.Invalid},
	{is(eventlog.ErrListeners), api.Busy},
	{is(eventlog.ErrReserved), api.Reserved},
	{is(eventlog.ErrNotFound), api.NotFound},
	{is(eventlog.ErrNothingToPrune), api.NotFound},
	{as[*eventlog.TrimmedError], api.Trimmed},
	{noRoom, api.NoRoom},
	{is(eventlog.ErrUncertain), api.Uncertain},
	{is(eventlog.ErrSecondWriter), api.SecondWriter},
	{is(eventlog.ErrRecovering), api.Recovering},
	{is(eventlog.ErrNotRecovering), api.NotFound},
	{is(eventlog.ErrNotSince), api.Invalid},
	{is(backup.ErrFiles), api.Invalid},
	{is(eventlog.ErrMoved), api.Busy},
	{as[*eventlog.DamagedError], api.Damaged},
	{is(eventlog.ErrReadOnly), api.ReadOnly},
	{is(eventlog.ErrOpenedReadOnly), api.ReadOnly},
	{is(eventlog.ErrOvertaken), api.Busy},
	{is(eventlog.ErrClosed), api.Stopping},
	{is(context.Canceled), api.Stopping},
}

// remedies are what is said of the way out after the message of a code.
var remedies = map[api.Code]string{
	api.SecondWriter: condition.SecondWriterRemedy,
	api.Recovering:   `: "quipu recover --dir D" says how it goes on`,
	api.Stopping:     ": the node is stopping; ask again after the next start",
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// noRoom reports whether nothing was written since there is no room on the disk.
func noRoom(err error) bool {
	uncertain, ok := errors.AsType[*eventlog.UncertainError](err)
	return ok && uncertain.NoRoom()
}

// problem returns what a client is told of err.
func problem(err error) *api.Error {
	if told, ok := errors.AsType[*api.Error](err); ok {
		return told
	}
	for _, c := range codes {
		if c.matches(err) {
			return &api.Error{Code: c.code, Message: err.Error() + remedies[c.code], Trimmed: trimmed(err), Held: held(err)}
		}
	}
	return &api.Error{Code: api.Internal, Message: err.Error()}
}

// trimmed returns what a client is told of what is gone; nil where err is about something else.
func trimmed(err error) *api.TrimmedError {
	e, ok := errors.AsType[*eventlog.TrimmedError](err)
	if !ok {
		return nil
	}
	told := &api.TrimmedError{Entries: e.Gone, Offset: e.Offset, Pruned: e.Pruned, Elsewhere: e.Elsewhere}
	if !e.Author.IsZero() {
		told.Place, told.First = &crdt.Place{Author: e.Author, Seq: e.Seq}, &e.First
	}
	return told
}

// held returns what a client is told of who has a batch; nil where err is about something else.
func held(err error) *api.Held {
	e, ok := errors.AsType[*lease.HeldError](err)
	if !ok {
		return nil
	}
	return &api.Held{Holder: e.Holder, Until: e.Until}
}

// invalid returns what a client is told of a request that makes no sense.
func invalid(err error) *api.Error { return &api.Error{Code: api.Invalid, Message: err.Error()} }

// refuse answers with err instead of what was asked for.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.told(r.Context(), err).Answer(w)
}

// told returns the problem that a client is told in the place of an answer to the call whose context ctx is: of a call
// that was ended from here, why. What is the node's own fault is logged.
func (s *server) told(ctx context.Context, err error) *api.Error {
	told := problem(err)
	ended, ok := errors.AsType[*api.Error](context.Cause(ctx))
	if ok && (errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded)) {
		told = ended
	}
	if told.Code == api.Internal {
		s.logger.Log(ctx, s.failed.Level(slog.LevelError, struct{}{}, time.Now()), "request failed", "err", err, s.failed.Repeated(struct{}{}))
	}
	s.tally.refuse(told.Code)
	return told.Told()
}
