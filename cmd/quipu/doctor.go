package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/doctor"
	"github.com/quipulog/quipu/node/folder"
)

const doctorHelp = `Look at a node for what may hurt it: its folder, the machine, and what the node says
of itself and of the others. Each finding says what was looked at, how bad it is,
what it means and what to do:

  ok     as it should be; printed with --all
  note   worth knowing, or not to be told from here
  warn   somebody should look at it: it may hurt later
  bad    somebody must act: it hurts

It is for a node whose daemon runs, and says more then, and for one whose daemon does
not, or whose file cannot be opened. It asks nobody else, needs no network, and
writes nothing into the log; a file in the folder, that is gone again at once, shows
how long the disk takes to keep something. Where no daemon runs the ports that one
would take are taken, and given back.

The exit code is 1 if something is as bad as --fail-on says, and 0 if not: by default
only where somebody must act.

--archive writes all that was seen to a tar file that gzip has packed, for whoever is
to help: findings, status, members, followers, settings, metrics and what the
daemon's goroutines do. No key, secret, passphrase or token is in it, nothing of what
entries hold, and no word of a follower's handler. What could not be had it names.
Look at it before you send it: names and addresses of nodes are in it.`

func newDoctor() *cobra.Command {
	var d doctorCommand
	cmd := &cobra.Command{
		Use:   "doctor --dir D [--archive FILE]",
		Short: "Look for what may hurt a node, and say what to do",
		Long:  doctorHelp,
		Example: `  quipu doctor --dir a
  quipu doctor --dir a --fail-on warn --format json
  quipu doctor --dir a --backup /backups/a.backup --archive a.tar.gz`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	folderFlag(cmd, &d.dir)
	f := cmd.Flags()
	f.BoolVar(&d.all, "all", false, "print what is as it should be, too")
	f.Var(&choice{&d.failOn, doctor.Severities()[1:]}, "fail-on", "end with exit code 1 at a finding as bad as this: "+enum.OneOf(doctor.Severities()[1:]))
	d.failOn = doctor.Bad.String()
	f.StringVar(&d.archive, "archive", "", "write what was seen to this `file`, without secrets and payloads")
	f.StringVar(&d.backup, "backup", "", "the `file` of the last backup, whose age is looked at")
	formatFlag(cmd, &d.format, asTable, asJSON)
	return cmd
}

// doctorCommand is one run of the command.
type doctorCommand struct {
	dir, format, failOn, archive, backup string
	all                                  bool
}

func (d *doctorCommand) run(cmd *cobra.Command) error {
	ctx, at := cmd.Context(), folder.Folder(d.dir)
	if err := at.Check(); errors.Is(err, folder.ErrNone) {
		return err
	}
	patient := doctor.Patient{Folder: at, Version: version(), Getenv: os.Getenv, Backup: d.backup}
	c, err := node.Connect(ctx, d.dir, node.Access{Version: version(), Reads: true, Warn: func(text string) { warnf(cmd, "%s", text) }})
	if patient.Client, patient.Unasked = c, err; err == nil {
		defer closeClient(cmd, c)
	}
	chart := doctor.Examine(ctx, patient)
	if d.archive != "" {
		if err := d.write(ctx, chart); err != nil {
			return err
		}
		warnf(cmd, "wrote %s: look at it before you send it, names and addresses of nodes are in it", d.archive)
	}
	if d.format == asJSON {
		err = printJSON(cmd.OutOrStdout(), chart.Findings)
	} else {
		err = d.print(cmd.OutOrStdout(), chart)
	}
	if err != nil {
		return err
	}
	var worst doctor.Severity
	must(worst.UnmarshalText([]byte(d.failOn))) // one of the words of the flag
	if chart.Worst() >= worst {
		return fmt.Errorf("%s bad, and %d to look at", count(uint64(chart.Count(doctor.Bad)), "finding"), chart.Count(doctor.Warn))
	}
	return nil
}

// closeClient gives back what a command has only read with; that it cannot is no failure of what was read.
func closeClient(cmd *cobra.Command, c *client.Client) {
	if err := c.Close(); err != nil {
		warnf(cmd, "%v", err)
	}
}

// write writes the archive, for its owner alone; it is there whole or not at all.
func (d *doctorCommand) write(ctx context.Context, chart *doctor.Chart) error {
	file, err := whole.Create(d.archive, 0o600)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err = chart.Archive(ctx, file); err == nil {
		err = file.Keep()
	}
	if err = errors.Join(err, file.Drop()); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// print prints the findings for people, the worst of each check marked.
func (d *doctorCommand) print(w io.Writer, chart *doctor.Chart) error {
	columns := room(w)
	for _, f := range chart.Findings {
		if f.Severity == doctor.OK && !d.all {
			continue
		}
		text := wrap(fmt.Sprintf("%-5s %-12s %s", f.Severity, f.Check, printable(f.What)), columns, 19)
		if f.Do != "" {
			text += wrap(fmt.Sprintf("%19s→ %s", "", printable(f.Do)), columns, 21)
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d bad, %d to look at, %d notes, %d as they should be\n", chart.Count(doctor.Bad), chart.Count(doctor.Warn), chart.Count(doctor.Note), chart.Count(doctor.OK))
	return err
}
