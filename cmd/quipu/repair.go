package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

const repairHelp = `Verify the whole log, ask other nodes for what of it is damaged or missing, put
back what they give, and verify again. What was fetched, and what could not be
had, is printed by place: AUTHOR/SEQ, or AUTHOR/SEQ to SEQ. Nothing is
replaced but by what another node has given and its author has signed, and
nothing is dropped.

A running daemon does it in the command's stead, and asks the members that it is
linked to; it also does so by itself where it meets something damaged. Without a
daemon the command dials the nodes of --join, or without that those that
quipu.yaml and earlier runs know, and exchanges all entries with them, as "quipu
sync" does. Which secret it uses is as "quipu help sync" says.

Where the file cannot be opened, or its pages are damaged, the command makes a
new one, without a daemon, of all that can still be read and verified. The
damaged file stays beside it, as quipu.db.damaged-TIME. The node then asks the
members where its own feed ends before it writes: see "quipu help recover".

The exit code is 0 when all is whole now, and 1 when something is still damaged
or missing: repair again once a node that has it can be reached.`

// repairCommand is one run of quipu repair.
type repairCommand struct {
	dir, format string
	join        []string
	access      node.Access
}

func newRepair() *cobra.Command {
	var r repairCommand
	var secret secretFlags
	cmd := &cobra.Command{
		Use:     "repair --dir D [--join HOST:PORT]...",
		Short:   "Get back from other nodes what is damaged or missing",
		Long:    repairHelp,
		Example: "  quipu repair --dir a\n  quipu repair --dir a --join b.example:7946",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if slices.Contains(r.join, "") {
				return usagef("--join is empty: expected the address of a node, HOST:PORT")
			}
			s := syncing{dir: r.dir}
			if err := s.readSecret(cmd, secret); err != nil {
				return err
			}
			r.access = s.access
			return r.run(cmd)
		},
	}
	dirFlag(cmd, &r.dir)
	formatFlag(cmd, &r.format, asTable, asJSON)
	cmd.Flags().StringArrayVar(&r.join, "join", nil, "ask the node at this `address`, HOST:PORT; may be repeated")
	secret.add(cmd)
	return cmd
}

// run repairs the log, and its file where that is what is damaged.
func (r *repairCommand) run(cmd *cobra.Command) error {
	repaired, err := r.repair(cmd, api.RepairRequest{Join: r.join})
	_, unopened := errors.AsType[*eventlog.DamagedError](err) // which no server's is
	if unopened || err == nil && repaired.Salvage && !repaired.Daemon {
		salvaged, failed := metered(cmd, "salvage", func(told func(api.Progress)) (api.Salvaged, error) {
			return node.Salvage(cmd.Context(), r.dir, r.access, told)
		})
		if failed != nil {
			return failed
		}
		return r.repairAnew(cmd, salvaged)
	}
	if err != nil {
		return err
	}
	return errors.Join(r.print(cmd, repaired), r.unrepaired(repaired))
}

// repairAnew repairs the log in a file that was made anew. Whatever becomes of that, what was done to the file is told.
func (r *repairCommand) repairAnew(cmd *cobra.Command, salvaged api.Salvaged) error {
	if r.format == asTable {
		if err := printSalvaged(cmd.OutOrStdout(), salvaged); err != nil {
			return err
		}
	}
	repaired, failed := r.repair(cmd, api.RepairRequest{Join: r.join, Lacking: salvaged.Lacking, Salvaged: true})
	if repaired.Salvaged = &salvaged; failed == nil {
		return errors.Join(r.print(cmd, repaired), r.unrepaired(repaired))
	}
	if r.format == asJSON {
		repaired.Fetched, repaired.Left, repaired.Asked = []api.Hole{}, append([]api.Hole{}, salvaged.Lacking...), []api.Asked{}
		repaired.Error = failed.Error()
		failed = errors.Join(failed, r.print(cmd, repaired))
	}
	return failed
}

// print prints what came of a repair.
func (r *repairCommand) print(cmd *cobra.Command, repaired api.Repaired) error {
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), repaired)
	}
	return printRepaired(cmd.OutOrStdout(), repaired)
}

// repair has the node repair its log.
func (r *repairCommand) repair(cmd *cobra.Command, req api.RepairRequest) (repaired api.Repaired, err error) {
	client, err := connectDialling(cmd.Context(), r.dir, r.access)
	if err != nil {
		return repaired, err
	}
	repaired, err = metered(cmd, "repair", func(told func(api.Progress)) (api.Repaired, error) {
		return client.Repair(cmd.Context(), req, told)
	})
	return repaired, errors.Join(err, client.Close())
}

// unrepaired says that not all is whole, and what to do about it; nil if all is.
func (r *repairCommand) unrepaired(repaired api.Repaired) error {
	switch {
	case repaired.OK:
		return nil
	case repaired.Salvage && repaired.Daemon:
		return fmt.Errorf("repair: the file itself is damaged: stop the daemon of %s (quipu stop), and repair again in its folder", r.dir)
	case len(repaired.Left) > 0:
		return fmt.Errorf("repair: %s still damaged or missing here: nobody who was asked has what is left; repair again with --join HOST:PORT of a node that has it", atLeast(repaired.LeftMore)+count(uint64(len(repaired.Left)), "place"))
	}
	return fmt.Errorf("repair: verify still finds %s", count(uint64(len(repaired.Problems))+repaired.More, "problem"))
}

// atLeast stands before a count where there are others.
func atLeast(more bool) string {
	if more {
		return "at least "
	}
	return ""
}

// printSalvaged prints what a file that was made anew has of the damaged one.
func printSalvaged(w io.Writer, s api.Salvaged) error {
	_, err := fmt.Fprintf(w, "salvaged: %s in %s; the damaged file is %s\n", count(s.Entries, "entry"), count(s.Ops, "op"), printable(s.Damaged))
	for _, what := range s.Lost {
		if err == nil {
			_, err = fmt.Fprintf(w, "lost: %s\n", printable(what))
		}
	}
	return err
}

// printRepaired prints what came of a repair, by place.
func printRepaired(w io.Writer, r api.Repaired) (err error) {
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", args...)
		}
	}
	for _, a := range r.Asked {
		if a.Error != "" {
			line("asked: %s: %s", printable(a.Addr), printable(a.Error))
		} else {
			line("asked: %s: received %s", printable(a.Addr), count(a.Received, "new entry"))
		}
	}
	for _, h := range r.Fetched {
		line("fetched: %s", h)
	}
	for _, h := range r.Left {
		line("missing: %s", h)
	}
	if len(r.Left) == 0 {
		for _, p := range r.Problems {
			line("problem: %s", printable(p))
		}
	}
	if r.OK {
		line("ok: %s, all whole", count(r.Entries, "entry"))
	}
	return err
}
