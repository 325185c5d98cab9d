package main

import (
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the tree of commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "quipu",
		Short: "A replicated event log for programs that must keep writing",
		Long: `quipu is a replicated event log. Every node writes its own entries, durable
before the command returns, without asking anyone; nodes exchange what they
have until all hold the same set, and every node then prints the same log.

Begin with "quipu demo", or with a node of your own, as in the examples.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a named thing is not there, 4 not
replicated in time; see "quipu help exit-codes".`,
		Example: `  quipu init --dir a
  quipu append --dir a --kind note --payload '{"text":"hello"}'
  quipu log --dir a
  quipu start --dir a`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without Args of our own, cobra would word the error of an unknown command.
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown("command", args[0], cmd, commandNames(cmd))
			}
			return cmd.Help()
		},
	}
	root.Version = build()
	root.Flags().BoolP("version", "v", false, "print the version of the binary")
	root.SetVersionTemplate("quipu {{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true // ours is newCompletion
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newInit(), newStart(), newStop(), newKey(), newToken(),
		newAppend(), newWhere(), newLog(), newTail(),
		newTransition(), newTransitions(), newState(), newStats(),
		newStatus(), newMembers(), newFrontier(), newForks(), newSync(), newBundle(), newIndex(), newRebuild(),
		newTrim(), newPrune(), newCompact(), newRecover(), newBench(), newDoctor(), newTop(), newPage(),
		newBackup(), newRestore(),
		newFollowers(), newFollow(),
		newVerify(), newRepair(), newProve(), newCheckProof(),
		newDemo(), newErrors(), newVersion(), newCompletion(),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp},
	)
	root.SetHelpCommand(newHelp(root))
	completeFlags(root)
	return root
}

// newHelp returns "quipu help", which cobra's own would answer with exit code 0 for a command that does
// not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Example: "  quipu help append\n  quipu help bundle create",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			switch {
			case err != nil:
				return usageError{err}
			case len(rest) > 0 && cmd.HasSubCommands():
				return unknown("command", rest[0], cmd, commandNames(cmd))
			case len(rest) > 0:
				return usagef("%s has no commands, and so not %q: expected one topic, as in %s", cmd.CommandPath(), rest[0], helpOf(cmd))
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// helpOf returns the command line that explains cmd.
func helpOf(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return strings.TrimSpace("quipu help " + path)
}

// group makes cmd the parent of commands. By itself it does nothing.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("expected %s: see %s", enum.OneOf(commandNames(cmd)), helpOf(cmd))
		}
		return unknown("command", args[0], cmd, commandNames(cmd))
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil } // Args never lets it run
	return cmd
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// noArgs refuses arguments, and says which flag takes what was probably meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	for _, flag := range []string{"payload", "subject"} {
		if cmd.Flags().Lookup(flag) != nil {
			return usagef("unexpected argument %q: a %s goes with --%s", args[0], flag, flag)
		}
	}
	return usagef("unexpected argument %q", args[0])
}

// oneArg wants exactly one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("expected one argument, %s, got %d", what, len(args))
		}
		return nil
	}
}

// formatFlag adds --format, with the first of formats as its default.
func formatFlag(cmd *cobra.Command, format *string, formats ...string) {
	cmd.Flags().Var(&choice{format, formats}, "format", fmt.Sprintf("how to print: %s", enum.OneOf(formats)))
	*format = formats[0]
}
