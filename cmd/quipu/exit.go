package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/api"
)

// The exit codes. Scripts depend on them.
const (
	exitDone   = 0 // done; an empty result too, and a reader that closed the pipe
	exitFailed = 1
	exitUsage  = 2 // wrong usage
	exitAbsent = 3 // a named thing is not there
	exitAlone  = 4 // what was written is not on other nodes in time
)

const exitCodesHelp = `Every command ends with one of five exit codes:

  0  done. An empty result is a result, and a reader that closed the pipe
     ("quipu log | head") has what it wanted, but not of a backup or a bundle.
  1  failed. One line on stderr, beginning "quipu: ", says why. So do commands
     end that look for something and find it: "quipu verify" that the log is
     damaged, "quipu status --check" that the node is not well, "quipu doctor"
     that somebody must act, or what --fail-on says.
  2  wrong usage: an unknown command or flag, a missing flag, a value that
     cannot be read. Nothing was done.
  3  a named thing is not there: a file, a node in --dir, an entry at a place. Nor
     is one there that was trimmed or pruned: the line on stderr then says how
     many are gone and at which place and offset it goes on.
  4  not replicated in time: what was written is durable here and stays, and did
     not reach the other nodes that --wait names before its time had passed. The
     line on stderr says who has it and who has not.
`

// usageError says that the command line makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// once returns the text of an error, in which of those that are joined each text stands once: what has failed to be
// written fails again to be flushed, and closed.
func once(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || errors.Join(joined.Unwrap()...).Error() != err.Error() { // it has words of its own
		return err.Error()
	}
	var texts []string
	for _, e := range joined.Unwrap() {
		if text := once(e); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// exitCode returns the exit code of a command that ended with err.
func exitCode(err error) int {
	if err == nil || errors.Is(err, errReaderLeft) {
		return exitDone
	}
	if _, wrong := errors.AsType[usageError](err); wrong {
		return exitUsage
	}
	if errors.Is(err, api.ErrNotReplicated) {
		return exitAlone
	}
	if errors.Is(err, api.ErrNotFound) || errors.Is(err, api.ErrTrimmed) || errors.Is(err, fs.ErrNotExist) {
		return exitAbsent
	}
	return exitFailed
}

// unknown says that cmd has no such command or flag, and which was probably meant.
func unknown(what, name string, cmd *cobra.Command, known []string) error {
	if near := nearest.Name(name, known); near != "" {
		return usagef("unknown %s %q: did you mean %q?", what, name, near)
	}
	return usagef("unknown %s %q: see %s", what, name, helpOf(cmd))
}

// valueError says what a flag takes that was given something else.
func valueError(wrong *pflag.InvalidValueError) error {
	flag, value, cause := wrong.GetFlag(), wrong.GetValue(), wrong.Unwrap()
	_, number := errors.AsType[*strconv.NumError](cause)
	switch {
	case number && flag.Value.Type() == "bool":
		cause = errors.New("expected true or false")
	case number:
		cause = errors.New("expected a whole number")
	}
	if !strings.Contains(cause.Error(), strconv.Quote(value)) {
		cause = fmt.Errorf("%q: %w", clip.Text(value), cause)
	}
	return usagef("--%s: %w", flag.Name, cause)
}

// flagError makes a usage error of one of pflag's, naming the flag or the command that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return valueError(wrong)
	}
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return usageError{err}
	}
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		// No flag can be known after a command that is not.
		return unknown("command", words[0], cmd, commandNames(cmd))
	}
	known := flagNames(cmd)
	short := missing.GetSpecifiedShortnames()
	if short == "" {
		return unknown("flag", "--"+missing.GetSpecifiedName(), cmd, known)
	}
	begun := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return !strings.HasPrefix(name, "--"+short) })
	if len(begun) == 1 {
		return usagef("unknown flag %q: did you mean %q?", "-"+short, begun[0])
	}
	return unknown("flag", "-"+short, cmd, known)
}
