package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/client"
)

// withNode calls fn with a client of the node in dir: of its daemon, or of its log when none runs; or of the server that the
// command asks.
func withNode(ctx context.Context, dir string, fn func(*client.Client) error) error {
	if c := serverOf(ctx); c != nil {
		return errors.Join(fn(c), c.Close())
	}
	client, err := node.Connect(ctx, dir, node.Access{Version: version(), Passphrase: passphrase(ctx, "", "")})
	if err != nil {
		return err
	}
	return errors.Join(fn(client), client.Close())
}

// readNode is withNode for what only reads: without a daemon it needs no key and writes nothing. With gives other nodes
// may get what is read.
func readNode(ctx context.Context, dir string, gives bool, warn func(string), fn func(*client.Client) error) error {
	if c := serverOf(ctx); c != nil {
		return errors.Join(fn(c), c.Close())
	}
	client, err := node.Connect(ctx, dir, node.Access{Version: version(), Passphrase: passphrase(ctx, "", ""), Reads: true, Gives: gives, Warn: warn})
	if err != nil {
		return err
	}
	return errors.Join(fn(client), client.Close())
}

// reading is readNode for a command that shows what it reads.
func reading(cmd *cobra.Command, dir string, fn func(*client.Client) error) error {
	return readNode(cmd.Context(), dir, false, func(text string) { warnf(cmd, "%s", text) }, fn)
}

// previewing is reading for what a command is about to do, which writes nothing before it has leave. A daemon that is
// starting is waited for: it knows more than the file.
func previewing(cmd *cobra.Command, dir string, fn func(*client.Client) error) error {
	taken := false
	err := reading(cmd, dir, func(c *client.Client) error {
		status, err := c.Status(cmd.Context())
		if taken = err == nil && !status.Running && status.PID != 0; taken || err != nil {
			return err
		}
		return fn(c)
	})
	if taken {
		return withNode(cmd.Context(), dir, fn)
	}
	return err
}

// writing is withNode for showing.
func writing(cmd *cobra.Command, dir string, fn func(*client.Client) error) error {
	return withNode(cmd.Context(), dir, fn)
}

// showing makes cmd make a call to the node, reading or writing, and print what comes back: as JSON, or for people as
// print does.
func showing[T any](with func(*cobra.Command, string, func(*client.Client) error) error, cmd *cobra.Command, call func(context.Context, *client.Client, []string) (T, error), print func(io.Writer, T) error) *cobra.Command {
	var dir, format string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return with(cmd, dir, func(c *client.Client) error {
			value, err := call(cmd.Context(), c, args)
			switch {
			case err != nil:
				return err
			case format == asJSON:
				return printJSON(cmd.OutOrStdout(), value)
			}
			return print(cmd.OutOrStdout(), value)
		})
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}
