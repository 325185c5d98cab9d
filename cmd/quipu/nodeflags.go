package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// The environment variables that stand in for --dir, --server and --token-file.
const (
	dirVariable    = "QUIPU_DIR"
	serverVariable = "QUIPU_SERVER"
	tokenVariable  = "QUIPU_TOKEN_FILE"
)

// nodeFlags are the flags that say which node is asked. They go with whatever is asked.
var nodeFlags = []string{"--dir", "--server", "--token-file"}

// maxTokenFile is more than a token has, in bytes.
const maxTokenFile = 4 << 10

// dirFlag adds the flags of a command that asks a node: in its folder, or at a server's address. Dir is what messages call
// the node by then. The client of a server is in the command's context, see [serverOf].
func dirFlag(cmd *cobra.Command, dir *string) {
	var server, tokenFile string
	f := cmd.Flags()
	f.StringVarP(dir, "dir", "d", "", "the node's `folder`; without it the one that $"+dirVariable+" names")
	f.StringVar(&server, "server", "", "the `address` of a node to ask over HTTP, such as https://HOST:PORT, in the place of --dir; also $"+serverVariable)
	f.StringVar(&tokenFile, "token-file", "", "a `file` with the token for that, which \"quipu token create\" has printed; also $"+tokenVariable)
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		byDir, byServer := f.Changed("dir"), f.Changed("server")
		switch {
		case byDir && byServer:
			return usagef("--dir and --server both say which node is asked: give one of them")
		case !byDir && !byServer:
			*dir, server = os.Getenv(dirVariable), os.Getenv(serverVariable)
			if *dir != "" && server != "" {
				return usagef("$%s and $%s both say which node is asked: give --dir or --server", dirVariable, serverVariable)
			}
		case byServer && server == "":
			return usagef("--server is empty: expected https://HOST:PORT")
		}
		if !f.Changed("token-file") {
			tokenFile = os.Getenv(tokenVariable)
		} else if server == "" {
			return usagef("--token-file is for the node that --server or $%s names", serverVariable)
		}
		if server != "" {
			c, err := dialServer(server, tokenFile)
			if err != nil {
				return err
			}
			*dir = server
			cmd.SetContext(context.WithValue(cmd.Context(), serverKey{}, c))
		}
		return checkDir(cmd, args, *dir, before)
	}
}

// folderFlag adds the flag of a command that works on the folder itself.
func folderFlag(cmd *cobra.Command, dir *string) {
	f, server := cmd.Flags(), ""
	f.StringVarP(dir, "dir", "d", "", "the node's `folder`; without it the one that $"+dirVariable+" names")
	f.StringVar(&server, "server", "", "refused: the command needs the folder, not the node's `address`")
	must(f.MarkHidden("server"))
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if f.Changed("server") {
			return usagef("%s needs the node's folder, and so --dir on the machine where that is, not --server", cmd.CommandPath())
		}
		if !f.Changed("dir") {
			*dir = os.Getenv(dirVariable)
		}
		return checkDir(cmd, args, *dir, before)
	}
}

// checkDir wants a node to be named, and goes on with what a command did before it runs.
func checkDir(cmd *cobra.Command, args []string, dir string, before func(*cobra.Command, []string) error) error {
	if dir == "" {
		return usagef("--dir is missing: it names the node's folder, as $%s does", dirVariable)
	}
	if before != nil {
		return before(cmd, args)
	}
	return nil
}

// serverKey is the key of a context that has the client of a server.
type serverKey struct{}

// serverOf returns the client of the server that a command asks; nil where it asks the node in a folder.
func serverOf(ctx context.Context) *client.Client {
	c, _ := ctx.Value(serverKey{}).(*client.Client)
	return c
}

// dialServer returns a client of the node at an address, which shows it the token in a file, none for "".
func dialServer(address, tokenFile string) (*client.Client, error) {
	var o client.Options
	if tokenFile != "" {
		file, err := os.Open(tokenFile)
		if err != nil {
			return nil, fmt.Errorf("read token: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(file, maxTokenFile))
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("read token: %w", err)
		}
		o.Token = api.Secret(strings.TrimSpace(string(text)))
		if o.Token == "" || len(text) == maxTokenFile {
			return nil, fmt.Errorf("token file %s: expected the one line that \"quipu token create\" has printed, got %d bytes", tokenFile, len(text))
		}
	}
	c, err := client.Dial(address, o)
	if err != nil {
		return nil, usagef("--server: %w", err)
	}
	return c, nil
}

// connectDialling returns a client of the node in dir, which access lets dial others where no daemon runs, or of the server that
// the command asks.
func connectDialling(ctx context.Context, dir string, access node.Access) (*client.Client, error) {
	if c := serverOf(ctx); c != nil {
		return c, nil
	}
	return node.Connect(ctx, dir, access)
}

// notAtServer refuses flags that are about what is in the folder of a node, which a command does not see that asks a server.
func notAtServer(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) && serverOf(cmd.Context()) != nil {
			return usagef("--%s needs the node's folder, and so --dir on the machine where that is, not --server", name)
		}
	}
	return nil
}

// connectDaemon returns a client of the daemon that runs in dir, or of the server that the command asks.
func connectDaemon(ctx context.Context, dir string) (*client.Client, error) {
	if c := serverOf(ctx); c != nil {
		return c, nil
	}
	return node.ConnectDaemon(ctx, dir)
}
