package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// eachCommand calls fn with root and every command below it, but for the topics that only explain.
func eachCommand(root *cobra.Command, fn func(*cobra.Command)) {
	if root.Runnable() {
		fn(root)
	}
	for _, c := range root.Commands() {
		eachCommand(c, fn)
	}
}

// TestEveryCommandHasAnExample that the command line takes: it names commands and flags that there are.
func TestEveryCommandHasAnExample(t *testing.T) {
	root := newRoot()
	root.InitDefaultHelpCmd()
	eachCommand(root, func(cmd *cobra.Command) {
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		shown := false
		for line := range strings.Lines(cmd.Example) {
			if len(strings.TrimSpace(line)) > 0 && !strings.HasPrefix(line, "  quipu ") {
				t.Errorf("%s: the example %q does not begin with quipu", cmd.CommandPath(), line)
			}
			for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == '|' || r == ';' || r == '&' }) {
				_, words, ok := strings.Cut(part, "quipu ")
				if !ok {
					continue
				}
				shown = shown || strings.HasPrefix(words, path)
				checkExample(t, root, strings.Fields(words))
			}
		}
		if !shown {
			t.Errorf("%s: no example shows the command itself", cmd.CommandPath())
		}
	})
}

// checkExample wants the words behind quipu to be a command with flags that it has.
func checkExample(t *testing.T, root *cobra.Command, words []string) {
	t.Helper()
	cmd, _, err := root.Find(words)
	if err != nil || cmd == root {
		t.Errorf("quipu %s: no such command: %v", strings.Join(words, " "), err)
		return
	}
	for _, word := range words {
		if name, ok := strings.CutPrefix(word, "--"); ok && cmd.Flags().Lookup(name) == nil {
			t.Errorf("quipu %s: no such flag: %s", strings.Join(words, " "), word)
		}
	}
}

// TestFlagsSayWhatTheyTake: each flag that takes a value says of which kind, in a word of its own.
func TestFlagsSayWhatTheyTake(t *testing.T) {
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if kind, _ := pflag.UnquoteUsage(f); kind == "string" || kind == "int" || kind == "uint" || kind == "strings" || kind == "duration" {
				t.Errorf("%s --%s takes a %s: say what that is, in `quotes`", cmd.CommandPath(), f.Name, kind)
			}
		})
	})
}
