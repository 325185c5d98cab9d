package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// postFollow runs a follower whose handler is the client: it is sent batch after batch, and says of each
// what became of it. No transaction is open meanwhile.
func (s *server) postFollow(w http.ResponseWriter, r *http.Request, named *followerInput) {
	mayPause(w, r)
	out := s.newLines(w, r)
	if err := out.rc.EnableFullDuplex(); err != nil {
		out.end(fmt.Errorf("answer while reading: %w", err))
		return
	}
	// The call may end while a reply is read, by a deadline that would end what comes next on the connection.
	w.Header().Set("Connection", "close")
	in := bufio.NewReader(r.Body)
	var buf []byte
	line, err := readLine(in, &buf)
	var request api.FollowRequest
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		err = errors.New("the body is empty: expected a request in its first line")
	case err == nil || errors.Is(err, io.EOF): // the line may have no end
		request, err = api.ReadFollowRequest(line)
	}
	if err != nil {
		s.refuse(w, r, invalid(err))
		return
	}
	request.Name = named.Name
	ctx, cancel := context.WithCancelCause(r.Context())
	f := &following{out: out, replies: make(chan api.BatchReply), cancel: cancel}
	var reading sync.WaitGroup
	reading.Go(func() { cancel(f.read(ctx, in)) })
	err = s.heldBy(request.Name, f.run(ctx, s.log, request))
	if told, ok := errors.AsType[*api.Error](context.Cause(ctx)); ok {
		err = told
	}
	cancel(nil)
	if !errors.Is(err, errClientLeft) {
		out.end(err)
	}
	_ = out.rc.SetReadDeadline(time.Now()) // a read that waits returns
	reading.Wait()
}

// following is one follower that is served.
type following struct {
	out     *lines
	replies chan api.BatchReply
	cancel  context.CancelCauseFunc
}

// errClientLeft says that the client does not take or give any more.
var errClientLeft = errors.New("the client has left")

// read passes on replies until there are no more, and returns why.
func (f *following) read(ctx context.Context, in *bufio.Reader) error {
	var buf []byte
	for {
		line, err := readLine(in, &buf)
		if err != nil {
			return errClientLeft
		}
		reply, err := api.ReadBatchReply(line)
		if err != nil {
			return invalid(err)
		}
		select {
		case f.replies <- reply:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// followConfig returns the log's form of what a client says a follower takes, and how. Over a network it may be one of so
// many: each that was ever made holds back what is trimmed.
func followConfig(ctx context.Context, f api.FollowerConfig, parkAfter int) eventlog.FollowConfig {
	cfg := eventlog.FollowConfig{
		Kinds: f.Kinds, Modules: f.Modules, Subjects: f.Subjects, Authors: f.Authors,
		MaxEntries: f.MaxEntries, ParkAfter: parkAfter, SkipTrimmed: f.SkipTrimmed, DoesNotHold: f.DoesNotHold,
	}
	if f.FromNow {
		cfg.From = eventlog.Now
	}
	if grantOf(ctx) != nil {
		cfg.MaxFollowers = api.MaxFollowers
	}
	return cfg
}

// run follows until something ends it; nil where the request has an end.
func (f *following) run(ctx context.Context, log *eventlog.Log, r api.FollowRequest) error {
	if r.Parked {
		_, err := log.RedeliverParked(ctx, r.Name, f.handle)
		return err
	}
	cfg := followConfig(ctx, r.FollowerConfig, r.ParkAfter)
	if r.Retry {
		cfg.OnError = eventlog.RetryOnError
	}
	if r.Once {
		cfg.Until = new(log.Stats().Next)
	}
	return log.Deliver(ctx, r.Name, cfg, nil, f.handle)
}

// handle sends a batch, and waits until the client says what became of it.
func (f *following) handle(ctx context.Context, d eventlog.Delivery) error {
	if err := f.send(d); err != nil {
		f.cancel(errClientLeft)
		return context.Cause(ctx)
	}
	select {
	case reply := <-f.replies:
		switch {
		case reply.After != d.After.String():
			f.cancel(invalid(fmt.Errorf("reply to batch %q: expected one to %s", reply.After, d.After)))
			return context.Cause(ctx)
		case reply.Error != "":
			return errors.New(reply.Error)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *following) send(d eventlog.Delivery) error {
	var line []byte
	for i := range d.Entries {
		e := &d.Entries[i]
		line = e.AppendJSON(line[:0], &e.Offset)
		if err := f.out.put(line); err != nil {
			return err
		}
	}
	end := api.BatchEnd{Batch: api.BatchSum{Entries: len(d.Entries), After: d.After.String()}}
	if err := f.out.putValue(end); err != nil {
		return err
	}
	return f.out.flush()
}
