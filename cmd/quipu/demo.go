package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/cmd/quipu/demo"
)

func newDemo() *cobra.Command {
	var cfg demo.Config
	var input string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a cluster lose a node and get it back",
		Long: `Run a whole cluster on this machine: nodes that are processes of their own,
with real files, in a temporary folder, over the loopback network. It writes
the real transitions of the Python Enhancement Proposals through all of them,
kills one with SIGKILL in the middle, takes another offline and goes on writing
to both it and the others, brings both back, and shows that every node then
holds the same log, whole, each transition once.

With --page the nodes then run on, until Ctrl-C, and there is a link to look at: the
page of a node, which draws all of it, and which "quipu page" gives more links to.
The nodes then also note what is so of the transitions and of themselves, at the time
that it is in these: an author's first, what a year came to, a start, a link cut.

The exit code is 0 only if everything holds. --input takes another file of the
same shape: one JSON object a line with time, author, subject, from, to and
commit; the number at the end of the author picks the node.`,
		Example: "  quipu demo\n  quipu demo --page\n  quipu demo --nodes 7 --seed 3 --keep /tmp/seven",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Nodes < demo.MinNodes || cfg.Nodes > demo.MaxNodes {
				return usagef("--nodes %d: the demo takes %d to %d", cfg.Nodes, demo.MinNodes, demo.MaxNodes)
			}
			if input != "" {
				in, err := openInput(cmd, input)
				if err != nil {
					return fmt.Errorf("read input: %w", err)
				}
				defer in.Close()
				cfg.Input = in
			}
			exe, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			cfg.Exe, cfg.Out, cfg.Terminal = exe, unscreened(cmd.OutOrStdout()), isTerminal(os.Stdout)
			return demo.Run(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Nodes, "nodes", 5, "how many nodes, a `number`")
	f.Uint64Var(&cfg.Seed, "seed", 1, "a `number` that picks which node is killed and when, and which one goes offline")
	f.BoolVar(&cfg.Page, "page", false, "have the nodes run on in the end, with a link to a page that draws what they hold")
	f.StringVar(&cfg.Keep, "keep", "", "leave the nodes in this `folder`")
	f.StringVar(&input, "input", "", "a `file` with other transitions, or stdin (-)")
	return cmd
}
