package main

import (
	"io"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shells are those that a completion can be written for.
var shells = map[string]func(root *cobra.Command, out io.Writer) error{
	"bash":       func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) },
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

// shellNames are the names of shells, in the order in which they are offered.
var shellNames = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion " + strings.Join(shellNames, "|"),
		Short: "Print what makes a shell complete quipu's commands and flags",
		Long: `Print a script that makes a shell complete the names of commands, flags and the
words that flags take. Where it belongs depends on the shell, see the examples;
"source <(quipu completion bash)" is for the bash that is running.`,
		Example: `  quipu completion bash > /etc/bash_completion.d/quipu
  quipu completion zsh > "${fpath[1]}/_quipu"
  quipu completion fish > ~/.config/fish/completions/quipu.fish`,
		Args:      oneArg(enum.OneOf(shellNames)),
		ValidArgs: shellNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(shellNames, args[0]) {
				return usagef("unknown shell %q: expected %s", args[0], enum.OneOf(shellNames))
			}
			return shells[args[0]](cmd.Root(), cmd.OutOrStdout())
		},
	}
}

// completeFlags tells a shell the words that flags of cmd and the commands below it take.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if words, ok := f.Value.(*choice); ok {
			must(cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words.words, cobra.ShellCompDirectiveNoFileComp)))
		}
		if f.Name == "dir" {
			must(cmd.MarkFlagDirname(f.Name))
		}
	})
	for _, below := range cmd.Commands() {
		completeFlags(below)
	}
}

// must panics: a flag that is told of twice is our own mistake.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
