package main

import (
	"context"
	"errors"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// withNode calls fn with a client of the node in dir: of its daemon, or of its log when none runs.
func withNode(ctx context.Context, dir string, fn func(*api.Client) error) error {
	client, err := node.Connect(ctx, dir, node.Access{Version: version()})
	if err != nil {
		return err
	}
	return errors.Join(fn(client), client.Close())
}
