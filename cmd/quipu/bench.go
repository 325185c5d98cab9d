package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/bench"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
	bytesize "github.com/quipulog/quipu/node/size"
)

const benchHelp = `Measure what a running node does for those who ask it: how many entries a second it
takes, or with --read gives, and how long a call waits. So many --writers make one
call after another, as programs do, each with --per-call entries, for --duration or
until --count entries; an interrupt ends it and prints what was measured so far.

It writes for real: what it appends is in the log, and goes to every member. The
entries are of kind "quipu-bench" unless --kind says otherwise and of retention
trimmable, so their bodies go by themselves, everywhere, as trim-age and trim-count
let them; headers and numbers stay. "quipu trim --dir D --min-age 0 --min-count 0
--force" drops at once, on this node, the bodies of all trimmable entries, of others
too. To leave nothing behind measure a node that is there for that alone: "quipu init
--dir X", start it, and remove X.

A call has a connection of its own, and ends when its entries are durable on the
node, with --wait once other nodes hold them, too. With --stream each writer keeps
one call open, sends what a call has in it, and waits for the places: what is left
out is what a call costs by itself. The payload is JSON that does not compress.

With --read each call reads --per-call entries from a random place in order of
arrival; nothing is written.

Latencies are right to a thousandth of themselves. --format csv prints a line for
each second, and one for all of it: seconds since the beginning, calls, entries,
bytes, and of the latencies in seconds those that 50, 90, 99 and 99.9 % of the calls
do not exceed, and the greatest.`

// benchCommand is one run of the command.
type benchCommand struct {
	dir    string
	format string
	cfg    bench.Config
	size   bytesize.Size
	wait   waitFor
}

// The defaults of bench.
const (
	benchKind    = "quipu-bench"
	benchFor     = 10 * time.Second
	benchWriters = 16
	benchSize    = 200
	benchReads   = 1000 // entries a call that reads
)

func newBench() *cobra.Command {
	b := benchCommand{size: benchSize}
	cmd := &cobra.Command{
		Use:   "bench --dir D [flags]",
		Short: "Measure a running node, by writing to it or reading from it",
		Long:  benchHelp + "\n\n" + waitHelp,
		Example: `  quipu bench --dir a
  quipu bench --dir a --writers 64 --per-call 10 --duration 1m --format csv >bench.csv
  quipu bench --dir a --read
  quipu bench --server https://node.example:8443 --token-file t --count 10000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	dirFlag(cmd, &b.dir)
	f := cmd.Flags()
	f.IntVar(&b.cfg.Workers, "writers", benchWriters, "the `number` of writers, or of readers, that make calls at once")
	f.IntVar(&b.cfg.PerCall, "per-call", 1, "the `number` of entries of each call (with --read 1000)")
	f.Var(sizeFlag{&b.size}, "size", "the `size` of each payload (default 200)")
	f.Var(spanFlag{&b.cfg.Length}, "duration", "how long calls are made (default 10s, or with --count without end)")
	f.Uint64Var(&b.cfg.Entries, "count", 0, "end after this `number` of entries; 0 for no number")
	f.StringVar(&b.cfg.Kind, "kind", benchKind, "the `kind` of the entries")
	f.BoolVar(&b.cfg.Stream, "stream", false, "have each writer keep one call open")
	f.BoolVar(&b.cfg.Read, "read", false, "read what is there, and write nothing")
	b.wait.add(cmd)
	formatFlag(cmd, &b.format, asTable, asJSON, asCSV)
	return cmd
}

// check fills in what depends on other flags, and says which do not go together.
func (b *benchCommand) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	b.cfg.Size = int(min(b.size, 1<<30)) // its bound is far below
	if b.cfg.Length == 0 && b.cfg.Entries == 0 {
		b.cfg.Length = benchFor
	}
	if b.cfg.Read {
		for _, flag := range []string{"size", "kind", "wait"} {
			if changed(flag) {
				return usagef("--%s goes with what is written, and --read writes nothing", flag)
			}
		}
		if !changed("per-call") {
			b.cfg.PerCall = benchReads
		}
	}
	if b.cfg.Stream && changed("wait") {
		return usagef("--wait does not go with --stream: a call ends once others hold its entries, and a stream is one call")
	}
	if err := b.cfg.Check(); err != nil {
		return usageError{err}
	}
	return b.wait.check(cmd)
}

func (b *benchCommand) run(cmd *cobra.Command) error {
	if err := b.check(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	c, err := connectDaemon(ctx, b.dir)
	if err != nil {
		if err := folder.Folder(b.dir).Check(); err != nil {
			return err
		}
		return fmt.Errorf("no daemon runs in %s, and bench measures one that runs: start it first", b.dir)
	}
	return errors.Join(b.measure(cmd, c), c.Close())
}

// measure measures the node that c asks.
func (b *benchCommand) measure(cmd *cobra.Command, c *client.Client) error {
	asked := c
	if !b.cfg.Read {
		var err error
		if asked, err = b.wait.client(cmd, b.dir, c); err != nil {
			return err
		}
		warnf(cmd, "this writes entries of kind %s to the log, and so to every member: \"quipu help bench\" says how they go", b.cfg.Kind)
	}
	seconds := benchLines{out: csv.NewWriter(cmd.OutOrStdout())}
	what := "writing"
	if b.cfg.Read {
		what = "reading"
	}
	m := newMeter(cmd, what)
	done := uint64(0)
	b.cfg.Each = func(s *bench.Span) {
		done += s.Entries
		m.show(api.Progress{Done: done, Total: b.cfg.Entries, Unit: "entries"})
		if b.format == asCSV {
			seconds.line(s)
		}
	}
	total, err := bench.Run(cmd.Context(), asked, b.cfg)
	m.end()
	if total.Calls == 0 && err != nil {
		return err
	}
	switch b.format {
	case asCSV:
		return errors.Join(err, seconds.end(&total))
	case asJSON:
		return errors.Join(err, printJSON(cmd.OutOrStdout(), b.jsonForm(&total)))
	}
	return errors.Join(err, b.print(cmd.OutOrStdout(), &total))
}
