package main

import (
	"context"

	"github.com/quipulog/quipu/node/client"
)

// names are those of the authors' nodes that the node knows, by author in hex. Nobody vouches for them.
type names map[string]string

// namesAt returns the names that the node at c knows.
func namesAt(ctx context.Context, c *client.Client) (names, error) {
	known, err := c.Authors(ctx)
	if err != nil {
		return nil, err
	}
	all := make(names)
	for _, a := range known {
		if a.Name != "" {
			all[a.Author.String()] = a.Name
		}
	}
	return all, nil
}
