package client_test

import (
	"context"
	"io"
	"iter"
	"reflect"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// calls makes every call of a client; stdin is for those that send what is typed.
var calls = map[string]func(ctx context.Context, c *client.Client, stdin io.Reader) error{
	"Append": func(ctx context.Context, c *client.Client, stdin io.Reader) error { return last(c.Append(ctx, stdin)) },
	"Transition": func(ctx context.Context, c *client.Client, stdin io.Reader) error {
		return last(c.Transition(ctx, stdin))
	},
	"GuardedTransition": func(ctx context.Context, c *client.Client, stdin io.Reader) error {
		return last(c.GuardedTransition(ctx, machine.Machine{}, stdin))
	},
	"ApplyBundle": func(ctx context.Context, c *client.Client, stdin io.Reader) error {
		_, err := c.ApplyBundle(ctx, stdin)
		return err
	},
	"CreateBundle": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.CreateBundle(ctx, io.Discard, api.Since{})
		return err
	},
	"Backup": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Backup(ctx, io.Discard, api.BackupRequest{}, nil)
		return err
	},
	"Fetch": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Fetch(ctx, api.FetchRequest{Name: "f"})
		return err
	},
	"Ack": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Ack(ctx, "f", "lease")
		return err
	},
	"Nack": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Nack(ctx, "f", api.NackRequest{})
		return err
	},
	"Extend": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Extend(ctx, "f", api.ExtendRequest{})
		return err
	},
	"Consume": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		return c.Consume(ctx, api.FetchRequest{Name: "f"}, func(context.Context, api.Fetched) error { return nil })
	},
	"Follow": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		return c.Follow(ctx, api.FollowRequest{Name: "f"}, func(context.Context, api.Batch) error { return nil })
	},
	"Tail": func(ctx context.Context, c *client.Client, _ io.Reader) error { return last(c.Tail(ctx, api.Query{})) },
	"Entries": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		return last(c.Entries(ctx, api.Query{}))
	},
	"Entry": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Entry(ctx, crdt.Place{})
		return err
	},
	"Transitions": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		return last(c.Transitions(ctx, api.StateQuery{}))
	},
	"States": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		return last(c.States(ctx, api.StateQuery{}))
	},
	"CheckTransitions": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.CheckTransitions(ctx, api.CheckRequest{})
		return err
	},
	"Broadcast": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Broadcast(ctx, crdt.Event{Kind: "k"}, api.ToHere)
		return err
	},
	"Text": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Text(ctx, "/metrics")
		return err
	},
	"Status":       unary((*client.Client).Status),
	"Members":      unary((*client.Client).Members),
	"Links":        unary((*client.Client).Links),
	"FrontierHash": unary((*client.Client).FrontierHash),
	"Frontier":     unary((*client.Client).Frontier),
	"Verify": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Verify(ctx, nil)
		return err
	},
	"Compact":    unary((*client.Client).Compact),
	"Index":      unary((*client.Client).Index),
	"TrimStatus": unary((*client.Client).TrimStatus),
	"Rebuilds":   unary((*client.Client).Rebuilds),
	"Rebuild": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Rebuild(ctx, api.RebuildRequest{Name: api.RebuildTransitions}, nil)
		return err
	},
	"RebuildIndex": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.RebuildIndex(ctx, nil)
		return err
	},
	"Repair": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Repair(ctx, api.RepairRequest{}, nil)
		return err
	},
	"Prove": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Prove(ctx, crdt.Place{})
		return err
	},
	"Fork": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Fork(ctx, crdt.Author{})
		return err
	},
	"Forks": func(ctx context.Context, c *client.Client, _ io.Reader) error { return last(c.Forks(ctx)) },
	"Gone":  func(ctx context.Context, c *client.Client, _ io.Reader) error { return last(c.Gone(ctx)) },
	"Trim": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Trim(ctx, api.TrimRequest{})
		return err
	},
	"Prune": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Prune(ctx, api.PruneRequest{})
		return err
	},
	"Recover": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Recover(ctx, api.RecoverRequest{})
		return err
	},
	"Stop": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Stop(ctx, api.StopRequest{})
		return err
	},
	"Waiting": func(ctx context.Context, c *client.Client, stdin io.Reader) error {
		return last(c.Waiting(api.Wait{Nodes: 1, Each: true}).Append(ctx, stdin))
	},
	"Keyed": func(ctx context.Context, c *client.Client, stdin io.Reader) error {
		c, err := c.Keyed("key")
		if err != nil {
			return err
		}
		return last(c.Append(ctx, stdin))
	},
	"Where": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Where(ctx, crdt.Place{})
		return err
	},
	"Authors": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Authors(ctx)
		return err
	},
	"Unmatched": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Unmatched(ctx, api.Query{})
		return err
	},
	"Stats": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Stats(ctx, api.Query{})
		return err
	},
	"Cords": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Cords(ctx, api.CordsQuery{})
		return err
	},
	"PageLink": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, _, err := c.PageLink(ctx)
		return err
	},
	"EndPageSessions": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.EndPageSessions(ctx)
		return err
	},
	"Sync": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Sync(ctx, "addr")
		return err
	},
	"Tokens": unary((*client.Client).Tokens),
	"CreateToken": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.CreateToken(ctx, api.TokenRequest{})
		return err
	},
	"RevokeToken": func(ctx context.Context, c *client.Client, _ io.Reader) error { return c.RevokeToken(ctx, "t") },
	"Followers":   func(ctx context.Context, c *client.Client, _ io.Reader) error { return last(c.Followers(ctx)) },
	"Follower": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.Follower(ctx, "f")
		return err
	},
	"ResetFollower": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.ResetFollower(ctx, "f", api.ToEnd)
		return err
	},
	"SkipFollower": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.SkipFollower(ctx, "f", 1)
		return err
	},
	"RemoveFollower": func(ctx context.Context, c *client.Client, _ io.Reader) error { return c.RemoveFollower(ctx, "f") },
	"Parked":         func(ctx context.Context, c *client.Client, _ io.Reader) error { return last(c.Parked(ctx, "f")) },
	"DropParked": func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := c.DropParked(ctx, "f")
		return err
	},
}

func unary[T any](call func(*client.Client, context.Context) (T, error)) func(context.Context, *client.Client, io.Reader) error {
	return func(ctx context.Context, c *client.Client, _ io.Reader) error {
		_, err := call(c, ctx)
		return err
	}
}

// last returns the error that ends a stream.
func last[T any](stream iter.Seq2[T, error]) (err error) {
	for _, err = range stream {
	}
	return err
}

// TestCallsAreAll: a new call is tried against nodes that die and stop, too.
func TestCallsAreAll(t *testing.T) {
	client := reflect.TypeFor[*client.Client]()
	for i := range client.NumMethod() {
		if name := client.Method(i).Name; calls[name] == nil && name != "Close" {
			t.Errorf("%s is not among the calls", name)
		}
	}
}
