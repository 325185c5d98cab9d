package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/folder"
)

const topHelp = `Show how a node and those that it knows of get on, drawn anew every --every: what it
holds and takes a second, how far it is behind, what keeps it from having or writing
what it could, its members with what each lacks and writes, and its followers.

RATE is entries a second: of a member those that it has written and that have come
here, of a follower those that it has handled. The other columns are those of "quipu
members" and "quipu followers list". Where the daemon goes away what was seen last
stays, and it is waited for.

  q, ctrl-c     end it; the terminal is as it was
  up, down      look at what has no room; page up, page down

It draws on a terminal. For programs there are "quipu status --format json", "quipu
members --format json" and "quipu followers list --format json".`

func newTop() *cobra.Command {
	var dir string
	every := time.Second
	cmd := &cobra.Command{
		Use:     "top --dir D",
		Short:   "Watch a node, its members and its followers",
		Long:    topHelp,
		Example: "  quipu top --dir a\n  quipu top --server https://node.example:8443 --token-file t --every 5s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < topFastest {
				return usagef("--every %s: expected %s or more", every, topFastest)
			}
			return top(cmd, dir, every)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().Var(spanFlag{&every}, "every", "how often it looks")
	return cmd
}

const (
	// topFastest is the least pause between two looks: each is a few calls.
	topFastest = 100 * time.Millisecond
	// topPatience is how long a look waits for the node before that counts as gone.
	topPatience = 3 * time.Second
)

// top draws until somebody ends it.
func top(cmd *cobra.Command, dir string, every time.Duration) error {
	out, isFile := bare(cmd.OutOrStdout()).(*os.File)
	in, alsoFile := cmd.InOrStdin().(*os.File)
	if !isFile || !alsoFile || !toScreen(cmd.OutOrStdout()) || !isTerminal(in) {
		return usagef("top draws on a terminal, and stdin or stdout is none: use quipu status, members or followers list, with --format json for programs")
	}
	if serverOf(cmd.Context()) == nil {
		if err := folder.Folder(dir).Check(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	look := func() tea.Msg { return lookAt(ctx, dir) }
	// The signals are those of every command, and end its context.
	program := tea.NewProgram(&topScreen{dir: dir, every: every, look: look}, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	defer context.AfterFunc(ctx, program.Quit)()
	if _, err := program.Run(); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return nil
}

// lookAt has the node say how it gets on.
func lookAt(ctx context.Context, dir string) topLook {
	ctx, cancel := context.WithTimeoutCause(ctx, topPatience, errors.New("the node has not answered for "+topPatience.String()))
	defer cancel()
	l := topLook{at: time.Now()}
	c, err := connectDaemon(ctx, dir)
	if err != nil {
		l.err = errors.New("no daemon answers")
		return l
	}
	if serverOf(ctx) == nil {
		defer func() { l.err = errors.Join(l.err, c.Close()) }()
	}
	l.status, l.err = c.Status(ctx)
	if l.err == nil {
		l.members, l.err = c.Members(ctx)
	}
	if l.err == nil && l.status.Authors <= topAuthors {
		l.frontier, l.err = c.Frontier(ctx)
	}
	if l.err != nil {
		return l
	}
	for f, err := range c.Followers(ctx) {
		if l.err = err; err != nil {
			break
		}
		l.followers = append(l.followers, f)
	}
	return l
}
