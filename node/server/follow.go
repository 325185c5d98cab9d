package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// postFollow runs a follower whose handler is the client: it is sent batch after batch, and says of each
// what became of it. No transaction is open meanwhile.
func (s *server) postFollow(w http.ResponseWriter, r *http.Request) {
	out := s.newLines(w)
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
	if err == nil {
		request, err = api.ReadFollowRequest(line)
	}
	if err != nil {
		s.refuse(w, invalid(err))
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	f := &following{out: out, replies: make(chan api.BatchReply), cancel: cancel}
	var reading sync.WaitGroup
	reading.Go(func() { cancel(f.read(ctx, in)) })
	err = f.run(ctx, s.log, request)
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

// run follows until something ends it; nil where the request has an end.
func (f *following) run(ctx context.Context, log *eventlog.Log, r api.FollowRequest) error {
	if r.Parked {
		_, err := log.RedeliverParked(ctx, r.Name, f.handle)
		return err
	}
	cfg := eventlog.FollowConfig{
		Kinds: r.Kinds, Modules: r.Modules, Subjects: r.Subjects, Authors: r.Authors,
		MaxEntries: r.MaxEntries, ParkAfter: r.ParkAfter, SkipTrimmed: r.SkipTrimmed, DoesNotHold: r.DoesNotHold,
	}
	if r.Retry {
		cfg.OnError = eventlog.RetryOnError
	}
	if r.FromNow {
		cfg.From = eventlog.Now
	}
	if r.Once {
		if cfg.Until = log.Stats().Next; cfg.Until == 0 {
			return nil // nothing is there
		}
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
