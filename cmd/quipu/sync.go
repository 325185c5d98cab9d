package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// syncFor bounds one try to sync with one node, unless the command says otherwise.
const syncFor = time.Hour

func newSync() *cobra.Command {
	var dir, format string
	var secret secretFlags
	var every, timeout time.Duration
	var once bool
	cmd := &cobra.Command{
		Use:   "sync --dir D [--once | --every PAUSE] ADDR...",
		Short: "Exchange entries with other nodes without joining them",
		Long: `Exchange entries with the node at each ADDR in turn, both ways, and end when each
of the two holds what the other held when they began. Nothing has to reach this
node: it dials, so it may be behind NAT, and it does not become a member. ADDR
is HOST:PORT, or a name as start --join takes it.

When no daemon runs in the folder, the command opens the log itself, and nobody
else can while it runs; a running daemon does it in the command's stead, with its
own secret. Which one the command uses is as "quipu help start" says, but that it
makes none. With --server the node there does it, which has to reach ADDR itself.

With --every it goes on until it is stopped, and a node that cannot be reached is
tried again the next time; without, one that cannot be reached, or of which
something cannot be taken, ends the command with exit code 1, after the others had
their turn; of several each is named with what came of it. A node from which nothing new comes for a minute, and which takes nothing
that it lacked, is given up; a slow one that goes on is not, before --timeout. What
was exchanged before a link broke is kept, and the next sync goes on from there.`,
		Example: "  quipu sync --dir laptop office.example:7946\n  quipu sync --dir ship --every 10m shore.example:7946",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("expected the address of a node: HOST:PORT")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if once && cmd.Flags().Changed("every") {
				return usagef("--once and --every exclude each other")
			}
			if timeout <= 0 {
				return usagef("--timeout %s: expected more than 0, such as 10m", timeout)
			}
			if cmd.Flags().Changed("every") && every <= 0 {
				return usagef("--every %s: expected more than 0, such as 10m", every)
			}
			s := syncing{dir: dir, addrs: args, timeout: timeout, out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr(), json: format == asJSON}
			if err := s.readSecret(cmd, secret); err != nil {
				return err
			}
			if every > 0 {
				return s.repeat(cmd.Context(), every)
			}
			return s.all(cmd.Context())
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	cmd.Flags().BoolVar(&once, "once", false, "sync once and end, which is the default")
	cmd.Flags().Var(spanFlag{&every}, "every", "sync again and again with this `pause` between, such as 10m")
	timeout = syncFor
	cmd.Flags().Var(spanFlag{&timeout}, "timeout", "give up on a node after this `time`")
	secret.add(cmd)
	return cmd
}

// syncing is a sync with several nodes.
type syncing struct {
	dir       string
	addrs     []string
	access    node.Access
	timeout   time.Duration
	out, errs io.Writer
	json      bool
}

// readSecret finds the secret that the flags or the folder's configuration name.
func (s *syncing) readSecret(cmd *cobra.Command, flags secretFlags) error {
	if serverOf(cmd.Context()) != nil {
		return notAtServer(cmd, "secret-file", "open")
	}
	file, err := node.ReadConfig(s.dir)
	if err != nil {
		return err
	}
	if err := flags.override(cmd, &file); err != nil {
		return err
	}
	secret, err := readSecret(cmd, file.SecretFile)
	s.access = node.Access{
		Version: version(), Secret: secret, SecretFrom: file.SecretFile, Open: file.Open,
		Passphrase: passphrase(cmd.Context(), "", ""),
	}
	return err
}

// repeat syncs with all until ctx ends.
func (s *syncing) repeat(ctx context.Context, every time.Duration) error {
	pause := time.NewTicker(every)
	defer pause.Stop()
	for {
		err := s.all(ctx)
		if ctx.Err() != nil {
			return nil
		}
		refused, ok := errors.AsType[*api.Error](err)
		if err != nil && !passes(err) && !(ok && refused.Code == api.NotSynced) {
			return err // Our own fault: trying again would not mend it.
		}
		if err != nil {
			fmt.Fprintf(s.errs, "quipu: %s\n", printable(err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// all syncs with each node in turn, and says of each what came of it. Its error is that of this node, else of the only
// one, or names those of several with which it is not done.
func (s *syncing) all(ctx context.Context) error {
	client, err := connectDialling(ctx, s.dir, s.access)
	if err != nil {
		return err
	}
	var failed error
	var not []string
	for _, addr := range s.addrs {
		err := s.one(ctx, client, addr)
		if err == nil {
			continue
		}
		not = append(not, addr)
		if refused, ok := errors.AsType[*api.Error](err); len(s.addrs) == 1 || !ok || refused.Code != api.NotSynced {
			failed = errors.Join(failed, err)
		} else {
			fmt.Fprintf(s.errs, "quipu: %s\n", printable(err.Error()))
		}
	}
	if failed == nil && len(not) > 0 {
		failed = &api.Error{Code: api.NotSynced, Message: fmt.Sprintf("synced with %d of %d nodes, and not, or not wholly, with %s",
			len(s.addrs)-len(not), len(s.addrs), strings.Join(not, ", "))}
	}
	return errors.Join(failed, client.Close())
}

// one syncs with the node at addr.
func (s *syncing) one(ctx context.Context, client *client.Client, addr string) error {
	try, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("not done after %s", s.timeout))
	defer cancel()
	synced, err := client.Sync(try, addr)
	if err != nil && try.Err() != nil && ctx.Err() == nil {
		err = &api.Error{Code: api.NotSynced, Message: fmt.Sprintf("sync with %s: %v", addr, err)}
	}
	if err != nil && s.json {
		return errors.Join(err, printJSON(s.out, api.Synced{Addr: addr, Error: err.Error()}))
	}
	if err != nil {
		return err
	}
	failed := lacking(addr, synced)
	if failed != nil {
		synced.Error = failed.Error()
	}
	if synced.Damaged > 0 {
		fmt.Fprintf(s.errs, "quipu: %s%s here cannot be read, and %s gave nothing of that: quipu verify says which\n", atLeast(synced.DamagedMore), count(uint64(synced.Damaged), "place"), printable(addr))
	}
	return errors.Join(failed, s.print(synced))
}

// print says what came of a sync.
func (s *syncing) print(synced api.Synced) error {
	if s.json {
		return printJSON(s.out, synced)
	}
	took := time.Duration(synced.Seconds * float64(time.Second)).Round(time.Millisecond)
	how := "synced"
	if synced.Error != "" {
		how = "synced in part"
	}
	_, err := fmt.Fprintf(s.out, "%s with %s (%s) at %s: received %s, sent %s, in %s\n", how, printable(synced.Name),
		synced.Author.Short(), printable(synced.Addr), count(synced.Received, "entry"), count(synced.Sent, "entry"), took)
	return err
}

// lacking says why each of the two does not hold all that the other held, or returns nil.
func lacking(addr string, synced api.Synced) error {
	var why []string
	if synced.Shut > 0 {
		why = append(why, fmt.Sprintf("left out: %s of whom one of the two takes no more: see quipu status", count(uint64(synced.Shut), "author")))
	}
	if synced.Refused > 0 {
		why = append(why, fmt.Sprintf("not taken: some of %s, which has lost bodies that this node keeps, or breaks a rule; the daemon's log says which", count(uint64(synced.Refused), "author")))
	}
	if len(why) == 0 {
		return nil
	}
	return &api.Error{Code: api.NotSynced, Message: fmt.Sprintf("sync with %s is not complete: %s", addr, strings.Join(why, "; "))}
}
