package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// waitHelp explains the flags that [waitFor] adds.
const waitHelp = `With --wait the command ends once other nodes, too, hold durably what it has
written: as many as a number up to 999 says, every member with "all" (whom this
node has heard of in 30 days, those that are down as well), or those that are named,
by their names or the first digits of their authors. Places are printed as ever.
When --wait-timeout has passed the exit code is 4, and the line on stderr says who
has the last entry, who has not, and who was not heard; so it does after ^C. The
entries stay all the same, and go on being given to the others: "quipu where PLACE"
asks again. With --ack-replicated each place is printed only once its entry is held
like that; the first that is not in time ends the command. It takes a running daemon.

A node that may not know the end of its own feed refuses to write, and says why:
see "quipu help recover". With --wait-recovered the command waits until it knows,
for as long as that takes.`

// maxWaitNodes is the greatest number of nodes that --wait takes: more digits are those of an author.
const maxWaitNodes = 999

// waitFor is the flags that say whom a command waits for that writes.
type waitFor struct {
	who     string
	timeout time.Duration
	each    bool
	// recovered waits for a node that may not know the end of its own feed.
	recovered bool
}

// waitNames are the flags.
var waitNames = []string{"--wait", "--wait-timeout", "--ack-replicated", "--wait-recovered"}

func (w *waitFor) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.who, "wait", "", "end once so many other nodes hold it, all members, or these: a `number`, all, or NAME[,NAME]")
	w.timeout = api.DefaultWait
	f.Var(spanFlag{&w.timeout}, "wait-timeout", "give up the wait after this `time`")
	f.BoolVar(&w.each, "ack-replicated", false, "print each place only once others hold its entry, as --wait says")
	f.BoolVar(&w.recovered, "wait-recovered", false, "wait for a node that is recovering, in the place of failing")
}

// check says what of the flags makes no sense, before anything is opened.
func (w *waitFor) check(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("wait") {
		for _, name := range []string{"--wait-timeout", "--ack-replicated"} {
			if cmd.Flags().Changed(name[2:]) {
				return usagef("%s goes with --wait, which says who is waited for", name)
			}
		}
		return nil
	}
	if n, err := strconv.Atoi(w.who); err == nil && n < 1 || w.who == "" {
		return usagef("--wait %q: expected a number of nodes, 1 or more, all, or the names of some", w.who)
	}
	if w.timeout <= 0 {
		return usagef("--wait-timeout %s: expected more than 0, such as 30s", age.Age(w.timeout))
	}
	return nil
}

// client returns a client of the same node that waits as the flags say. Nothing is written yet.
func (w *waitFor) client(cmd *cobra.Command, dir string, c *client.Client) (*client.Client, error) {
	wait := api.Wait{Timeout: w.timeout, Each: w.each, Recovered: w.recovered}
	if w.who == "" {
		return c.Waiting(wait), nil
	}
	members, err := otherMembers(cmd.Context(), c)
	if told, ok := errors.AsType[*api.Error](err); ok && told.Code == api.NotRunning {
		return nil, fmt.Errorf("--wait: no daemon runs in %s, and only a running one hears what other nodes hold: \"quipu start --dir %[1]s\" runs one; nothing was written", dir)
	}
	if err != nil {
		return nil, err
	}
	n, notNumber := strconv.Atoi(w.who)
	switch {
	case w.who == "all":
		wait.All = true
		n = 1
	case notNumber == nil && n <= maxWaitNodes:
		wait.Nodes = n
	default:
		wait.Members, err = findMembers(w.who, members)
		n = 0
	}
	if len(members) < n {
		warnf(cmd, "--wait %s: this node knows of %s; waiting all the same, for %s at most", w.who, membersKnown(members), age.Age(w.timeout))
	}
	return c.Waiting(wait), err
}

// otherMembers returns the members but for the node itself: those that are there, and those that it has met before
// and has not heard of since its start.
func otherMembers(ctx context.Context, c *client.Client) ([]api.Member, error) {
	members, err := c.Members(ctx)
	if err != nil {
		return nil, err
	}
	known, err := c.Authors(ctx)
	for _, a := range known {
		if a.Name != "" && !slices.ContainsFunc(members, func(m api.Member) bool { return m.Author == a.Author }) {
			members = append(members, api.Member{Author: a.Author, Name: a.Name})
		}
	}
	return slices.DeleteFunc(members, func(m api.Member) bool { return m.State == "self" }), err
}

// findMembers returns those that a list of names and first digits names.
func findMembers(list string, members []api.Member) (found []crdt.Author, err error) {
	for text := range strings.SplitSeq(list, ",") {
		fits := slices.DeleteFunc(slices.Clone(members), func(m api.Member) bool {
			return !isTyped(text, m.Author, m.Name)
		})
		switch {
		case len(fits) > 1:
			return nil, usagef("--wait: %s fits %s: give more digits of its author", quoted(clip.Text(text)), membersKnown(fits))
		case len(fits) == 0:
			return nil, &api.Error{Code: api.NotFound, Message: fmt.Sprintf(
				"--wait: no other member is called %s or has an author that begins so: this node knows of %s", quoted(clip.Text(text)), membersKnown(members))}
		case slices.Contains(found, fits[0].Author):
			return nil, usagef("--wait: %s stands there twice", quoted(clip.Text(text)))
		}
		found = append(found, fits[0].Author)
	}
	return found, nil
}

// membersKnown lists members in words.
func membersKnown(members []api.Member) string {
	if len(members) == 0 {
		return "no other member"
	}
	return fmt.Sprintf("%s, %s", count(uint64(len(members)), "member"),
		clip.List(members, mostNames, func(m api.Member) string { return fmt.Sprintf("%s (%s)", printable(m.Name), m.Author.Short()) }))
}

// asking is how long a command that was interrupted still asks who has its last entry.
const asking = 2 * time.Second

// print prints places as they come. When the command is interrupted while it waits for other nodes, its error says
// who has the last entry.
func (w *waitFor) print(cmd *cobra.Command, c *client.Client, places iter.Seq2[crdt.Place, error]) error {
	last, err := printPlaces(cmd.OutOrStdout(), places)
	if err == nil || cmd.Context().Err() == nil || w.who == "" || last == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), asking)
	defer cancel()
	text := fmt.Sprintf("%s is durable here and stays; the daemon does not say who else has it", last)
	if where, failed := c.Where(ctx, *last); failed == nil {
		text = where.String()
	}
	if cmd.Flags().Changed("ndjson") {
		text += "; what has no place printed may be in the log or not"
	}
	return &api.Error{Code: api.NotReplicated, Message: "interrupted: " + text}
}
