package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/rebuild"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// codes says, for each error that the log promises, what a client is told. The first that matches
// counts.
var codes = []struct {
	matches func(error) bool
	code    api.Code
}{
	{is(crdt.ErrEvent), api.Invalid},
	{is(transition.ErrInvalid), api.Invalid},
	{is(machine.ErrInvalid), api.Invalid},
	{as[*transition.RefusedError], api.Refused},
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
	{is(eventlog.ErrFollowing), api.Busy},
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

// statuses are the HTTP statuses of the codes; any other is 500.
var statuses = map[api.Code]int{
	api.Invalid:       http.StatusBadRequest,
	api.Reserved:      http.StatusBadRequest,
	api.Refused:       http.StatusConflict,
	api.NotFound:      http.StatusNotFound,
	api.Trimmed:       http.StatusGone,
	api.TooLarge:      http.StatusRequestEntityTooLarge,
	api.NotRunning:    http.StatusServiceUnavailable,
	api.Busy:          http.StatusServiceUnavailable,
	api.NotSynced:     http.StatusBadGateway,
	api.SecondWriter:  http.StatusConflict,
	api.Recovering:    http.StatusConflict,
	api.ReadOnly:      http.StatusServiceUnavailable,
	api.NoRoom:        http.StatusInsufficientStorage,
	api.Uncertain:     http.StatusServiceUnavailable,
	api.Damaged:       http.StatusInternalServerError, // which the log has told of
	api.Unhandled:     http.StatusInternalServerError, // which the follower's record tells
	api.Stopping:      http.StatusServiceUnavailable,
	api.NotReplicated: http.StatusGatewayTimeout,
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
			return &api.Error{Code: c.code, Message: err.Error() + remedies[c.code], Trimmed: trimmed(err)}
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

// invalid returns what a client is told of a request that makes no sense.
func invalid(err error) *api.Error { return &api.Error{Code: api.Invalid, Message: err.Error()} }

// refuse answers with err instead of what was asked for.
func (s *server) refuse(w http.ResponseWriter, err error) {
	told := problem(err)
	status, known := statuses[told.Code]
	if !known {
		status = http.StatusInternalServerError
		s.logger.Error("request failed", "err", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Envelope{Error: told}) // the client has left, or will read it
}

// answers is the handler of a route whose answer is one JSON value: what ask returns, or why there is none.
func (s *server) answers(ask func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := ask(r)
		if err != nil {
			s.refuse(w, err)
			return
		}
		s.answer(w, value)
	}
}

// answer writes one JSON value.
func (s *server) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}
