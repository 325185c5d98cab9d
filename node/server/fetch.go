package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/lease"
)

// fetchInput is a request of a consumer about a follower.
type fetchInput[T any] struct {
	Name string `path:"name" doc:"Of the follower, percent-encoded."`
	Body *T
}

func (in *fetchInput[T]) value() T { return (&maybe[T]{in.Body}).value() }

// postFetch answers with the next batch of a follower, and gives the consumer a lease of it.
func (s *server) postFetch(ctx context.Context, in *fetchInput[api.FetchRequest]) (api.Fetched, error) {
	r := in.value()
	wait, err := within("wait", r.Wait, 0, api.MaxFetchWait)
	if err != nil {
		return api.Fetched{}, err
	}
	lasts, err := leaseOf("lease", r.Lease)
	if err != nil {
		return api.Fetched{}, err
	}
	if len(r.Consumer) > api.MaxConsumer || !utf8.ValidString(r.Consumer) {
		return api.Fetched{}, invalid(fmt.Errorf("field \"consumer\": %.80q: expected UTF-8 of at most %d bytes", r.Consumer, api.MaxConsumer))
	}
	cfg := followConfig(ctx, r.FollowerConfig, r.ParkAfter)
	l, err := s.leases.Fetch(ctx, lease.Request{Name: in.Name, Config: cfg, Wait: wait, Lease: lasts, Holder: holder(ctx, r.Consumer)})
	if err != nil || l == nil {
		return api.Fetched{Entries: []api.Entry{}}, err
	}
	told := api.Fetched{Lease: l.ID, Entries: make([]api.Entry, len(l.Entries)), After: l.After.String(), Until: l.Until}
	for i, e := range l.Entries {
		told.Entries[i] = api.Entry{Entry: e.Entry, Offset: e.Offset}
	}
	return told, nil
}

// holder returns what others are told of a consumer that calls itself name.
func holder(ctx context.Context, name string) string {
	g := grantOf(ctx)
	switch {
	case g == nil:
		return cmp.Or(name, "a consumer on the node's socket")
	case name == "":
		return "a consumer with token " + g.Name
	}
	return fmt.Sprintf("%s with token %s", name, g.Name)
}

// postAck moves a follower behind the batch of a lease, and answers with how many entries that has.
func (s *server) postAck(ctx context.Context, in *fetchInput[api.AckRequest]) (api.Counted, error) {
	n, err := s.leases.Ack(ctx, in.Name, in.value().Lease)
	return api.Counted{Entries: uint64(n)}, err
}

// postNack takes back the batch of a lease that was not handled, and answers with how many entries that has.
func (s *server) postNack(ctx context.Context, in *fetchInput[api.NackRequest]) (api.Counted, error) {
	r := in.value()
	delay, err := within("delay", r.Delay, 0, api.MaxDelay)
	if err == nil && r.Untouched && (r.Error != "" || delay > 0) {
		err = invalid(errors.New("field \"untouched\" goes with neither an error nor a delay: nothing has failed then"))
	}
	if err != nil {
		return api.Counted{}, err
	}
	var n int
	if r.Untouched {
		n, err = s.leases.GiveBack(in.Name, r.Lease)
	} else {
		n, err = s.leases.Nack(ctx, in.Name, r.Lease, errors.New(cmp.Or(r.Error, "the consumer has not said why")), delay)
	}
	return api.Counted{Entries: uint64(n)}, err
}

// postExtend puts off the end of a lease, and answers with when that is.
func (s *server) postExtend(_ context.Context, in *fetchInput[api.ExtendRequest]) (api.Extended, error) {
	r := in.value()
	lasts, err := leaseOf("by", r.By)
	if err != nil {
		return api.Extended{}, err
	}
	until, err := s.leases.Extend(in.Name, r.Lease, lasts)
	return api.Extended{Until: until}, err
}

// leaseOf returns how long a lease lasts by a field of a request.
func leaseOf(field string, a age.Age) (time.Duration, error) {
	return within(field, cmp.Or(a, age.Age(api.DefaultLease)), api.MinLease, api.MaxLease)
}

// within returns the span of a field, or why it is out of bounds.
func within(field string, a age.Age, least, most time.Duration) (time.Duration, error) {
	if d := time.Duration(a); d >= least && d <= most {
		return d, nil
	}
	return 0, invalid(fmt.Errorf("field %q: %s: expected %s to %s", field, a, age.Age(least), age.Age(most)))
}

// heldBy returns err with who has the follower, where that is a consumer.
func (s *server) heldBy(name string, err error) error {
	if errors.Is(err, eventlog.ErrFollowing) {
		if held := s.leases.Held(name); held != nil {
			return held
		}
	}
	return err
}
