package client_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// till is a program that writes what it sells and counts what was sold, without saying where that is kept.
type till struct {
	append func(context.Context, crdt.Event) (crdt.Place, error)
	events func(ctx context.Context, kind string) iter.Seq2[crdt.Event, error]
}

func (t till) sell(ctx context.Context, what string) error {
	_, err := t.append(ctx, crdt.Event{Kind: "sold", Subject: what})
	return err
}

func (t till) sold(ctx context.Context) (n int, err error) {
	for _, err := range t.events(ctx, "sold") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// embedded is a till with a log in its own process.
func embedded(l *eventlog.Log) till {
	return till{
		append: l.Append,
		events: func(ctx context.Context, kind string) iter.Seq2[crdt.Event, error] {
			return func(yield func(crdt.Event, error) bool) {
				for e, err := range l.Entries(ctx, eventlog.Query{Kinds: []string{kind}}) {
					if !yield(e.Event, err) {
						return
					}
				}
			}
		},
	}
}

// remoteTill is a till whose log is a node's.
func remoteTill(c *client.Client) till {
	return till{
		append: func(ctx context.Context, e crdt.Event) (place crdt.Place, err error) {
			for place, err = range c.Append(ctx, strings.NewReader(string(e.AppendJSON(nil))+"\n")) {
			}
			return place, err
		},
		events: func(ctx context.Context, kind string) iter.Seq2[crdt.Event, error] {
			return func(yield func(crdt.Event, error) bool) {
				for line, err := range c.Entries(ctx, api.Query{Kinds: []string{kind}}) {
					var e crdt.Entry
					if err == nil {
						e, _, err = line.Entry()
					}
					if !yield(e.Event, err) {
						return
					}
				}
			}
		},
	}
}

// A program that has kept its log itself goes on with that of a node: the folder becomes the node's, "quipu start --http"
// serves it, and the program reaches it by an address and a token from a file. What it does with the log stays as it was, and what
// it had written is there.
func ExampleDial() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "till")
	check(err)
	defer os.RemoveAll(dir)

	// Before: the log is in the process.
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &crdt.Genesis{Random: [32]byte{1}}}, eventlog.Config{Key: eventlogtest.Key("till")})
	check(err)
	defer l.Close()
	before := embedded(l)
	check(before.sell(ctx, "bread"))
	check(before.sell(ctx, "salt"))

	// After: it is a node's. This one stands for quipu start, and for quipu token create.
	tokens := access.New(dir)
	check(tokens.Read())
	secret, _, err := tokens.Create(api.TokenRequest{Name: "till-7", Scopes: []api.Scope{api.ScopeRead, api.ScopeAppend}})
	check(err)
	node := httptest.NewServer(server.NewServer(server.Config{Log: l, Tokens: tokens}).Network())
	defer node.Close()

	c, err := client.Dial(node.URL, client.Options{Token: api.Secret(secret)})
	check(err)
	defer c.Close()
	after := remoteTill(c)
	check(after.sell(ctx, "oil"))
	n, err := after.sold(ctx)
	check(err)
	fmt.Println(n, "sold")
	// Output: 3 sold
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
