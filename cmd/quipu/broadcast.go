package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// broadcastOne tells a transient event to those who listen, and prints whom it was told.
func broadcastOne(cmd *cobra.Command, dir string, event crdt.Event, here bool) error {
	// Checked here too, since what is not UTF-8 has no JSON form.
	if err := event.Check(); err != nil {
		return err
	}
	scope := api.ToPeers
	if here {
		scope = api.ToHere
	}
	return withNode(cmd.Context(), dir, func(c *client.Client) error {
		reach, err := c.Broadcast(cmd.Context(), event, scope)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), describeReach(reach, here))
		return err
	})
}

// describeReach says whom a transient event was told.
func describeReach(r api.Reach, here bool) string {
	text := "stored nowhere; heard by " + count(uint64(r.Listeners), "listener") + " here"
	switch {
	case here:
		return text + " alone"
	case !r.Relayed:
		return text + "; sent to no peer, since this daemon runs with --no-transients"
	}
	return text + ", sent to " + count(uint64(r.Peers), "peer")
}
