package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

const stopHelp = `Ask the daemon in D to end, and wait until its process is gone. Calls under way
end; what they have acked is durable.

With --wait the stop is held until every entry of this node is on another node, for
as long as that at most. Meanwhile the daemon refuses appends and goes on giving
its entries to the others. What was on no other node when it ended stands on
stderr. ^C calls off a stop that is held: the daemon goes on.

With --server the command ends when the daemon has said that it ends, shortly
before its process is gone.

SIGTERM does the same as a stop, and waits as long as "drain" in quipu.yaml says.
The exit code is 3 where no daemon runs.`

func newStop() *cobra.Command {
	var dir string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:     "stop --dir D [--wait TIME]",
		Short:   "End the node's daemon",
		Long:    stopHelp,
		Example: "  quipu stop --dir a\n  quipu stop --dir a --wait 30s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			said, err := stopNode(cmd.Context(), dir, wait)
			if err != nil {
				return err
			}
			if said.Unreplicated != nil && said.Unreplicated.String() != "" {
				warnf(cmd, "when it stopped: %s", said.Unreplicated)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "stopped process %d\n", said.PID)
			return err
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().Var(spanFlag{&wait}, "wait", "hold the stop until other nodes have the entries of this one, for this `time` at most")
	return cmd
}

// stopNode has the daemon in dir end, or the one that the command asks at a server.
func stopNode(ctx context.Context, dir string, wait time.Duration) (said api.Stopped, err error) {
	c := serverOf(ctx)
	if c == nil {
		return node.StopDaemon(ctx, dir, wait)
	}
	said, err = c.Stop(ctx, api.StopRequest{Wait: age.Age(wait)})
	return said, errors.Join(err, c.Close())
}
