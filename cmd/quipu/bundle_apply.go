package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newBundleApply() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "apply --dir D FILE...",
		Short: "Bring the entries of bundles into the log",
		Long: `Bring what the bundles hold into the log, or what comes on stdin (-).

The order of the files does not matter, and neither does it when some of them
were applied before. Everything is verified as what a peer sends is. Of a bundle
that is damaged or cut off, what is whole is taken. Where there are several, those
that are pipes are copied to the folder for temporary files first, since a pipe is
read once.

The exit code is 0 when every bundle was whole and the node holds all that they
promise. Otherwise lines below the table say what is missing, by author and seq,
and why, and the exit code is 1.`,
		Example: "  quipu bundle apply --dir b monday.bundle tuesday.bundle",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("expected the files to apply")
			}
			if i := slices.Index(args, stdio); i >= 0 && slices.Contains(args[i+1:], stdio) {
				return usagef("stdin (-) can be read only once")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			bundles, drop, err := findBundles(cmd, args)
			if err != nil {
				return errors.Join(err, drop())
			}
			err = withNode(cmd.Context(), dir, func(c *client.Client) error { return applyAll(cmd, c, bundles) })
			if err = errors.Join(err, drop()); err != nil {
				return err
			}
			return printApplied(cmd.OutOrStdout(), format, bundles)
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// applied is a bundle and what became of it.
type applied struct {
	File   string `json:"file"`
	Failed string `json:"failed,omitempty"` // why nothing of it could be used
	bundle.Report

	// path is what it is read from, as often as need be: File, or a copy of what comes once. Where that
	// is the only bundle no copy is made, and it is read from once.
	path  string
	once  io.Reader
	head  bundle.Head
	since uint64 // entries before it
}

// findBundles reads the heads of bundles, so that what cannot be meant is said before anything is done,
// and puts those that come first first. A pipe is waited for here: the log is not held while a command at
// its other end may still need it. The caller calls drop once it is done with the bundles, error or not.
func findBundles(cmd *cobra.Command, paths []string) (bundles []*applied, drop func() error, err error) {
	var copies []string
	drop = func() error {
		var all error
		for _, path := range copies {
			all = errors.Join(all, os.Remove(path))
		}
		return all
	}
	for _, path := range paths {
		in, err := openInput(cmd, path)
		if err != nil {
			return nil, drop, fmt.Errorf("read bundle: %w", err)
		}
		b := &applied{File: path, path: path}
		var begin bytes.Buffer
		b.head, err = bundle.ReadHead(io.TeeReader(in, &begin))
		b.since = b.head.Since.Entries()
		if err != nil && !errors.Is(err, bundle.ErrHead) {
			return nil, drop, fmt.Errorf("%s: %w", path, errors.Join(err, in.Close()))
		}
		all := io.MultiReader(&begin, in)
		switch {
		case in.again:
			err = in.Close()
		case len(paths) == 1:
			b.once, err = all, nil // The process closes it.
		default:
			if b.path, err = spool(all); err == nil {
				copies = append(copies, b.path)
			}
			err = errors.Join(err, in.Close())
		}
		if err != nil {
			return nil, drop, fmt.Errorf("%s: %w", path, err)
		}
		bundles = append(bundles, b)
	}
	slices.SortStableFunc(bundles, func(a, b *applied) int {
		return cmp.Or(cmp.Compare(a.since, b.since), a.head.Made.Compare(b.head.Made))
	})
	return bundles, drop, nil
}

// spool copies r to a temporary file and returns its path.
func spool(r io.Reader) (string, error) {
	file, err := os.CreateTemp("", "quipu-bundle-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, r)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// applyAll applies bundles, and those that left something lacking again as long as others bring something.
func applyAll(cmd *cobra.Command, c *client.Client, bundles []*applied) error {
	status, err := c.Status(cmd.Context())
	if err != nil {
		return err
	}
	for _, b := range bundles {
		if !b.head.Log.IsZero() && b.head.Log != status.Log {
			return fmt.Errorf("%s: %w", b.File, &bundle.OtherLogError{Bundle: b.head.Log, Log: status.Log})
		}
	}
	for todo := bundles; len(todo) > 0; {
		grown := false
		var lacking []*applied
		for _, b := range todo {
			before := b.Ops
			if err := b.apply(cmd, c); err != nil {
				return err
			}
			grown = grown || b.Ops > before
			if len(b.Lacks) > 0 && b.once == nil {
				lacking = append(lacking, b)
			}
		}
		todo = nil
		if grown {
			todo = lacking
		}
	}
	return nil
}

// apply applies a bundle and adds to what became of it before.
func (b *applied) apply(cmd *cobra.Command, c *client.Client) error {
	in := b.once
	if in == nil {
		file, err := os.Open(b.path)
		if err != nil {
			return fmt.Errorf("read bundle: %w", err)
		}
		defer file.Close()
		in = file
	}
	report, err := c.ApplyBundle(cmd.Context(), in)
	if refusal, ok := errors.AsType[*api.Error](err); ok && refusal.Code == api.Invalid {
		b.Failed = refusal.Message
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b.File, err)
	}
	report.Ops += b.Ops
	report.Entries += b.Entries
	report.Authors = max(report.Authors, b.Authors)
	report.Forked = slices.Concat(b.Forked, report.Forked)
	report.Duplicates -= min(report.Duplicates, b.Ops) // what it brought before is none
	b.Report = report
	return nil
}

// printApplied prints what became of bundles; its error counts those that left something to be wished.
func printApplied(w io.Writer, format string, bundles []*applied) error {
	bad := 0
	for _, b := range bundles {
		if b.Failed != "" || !b.OK() {
			bad++
		}
	}
	var err error
	if format == asJSON {
		err = printJSON(w, bundles)
	} else {
		err = tableApplied(w, bundles)
	}
	if err == nil && bad > 0 {
		err = fmt.Errorf("apply: %d of %s damaged or with something missing", bad, count(uint64(len(bundles)), "bundle"))
	}
	return err
}

func tableApplied(w io.Writer, bundles []*applied) error {
	t := newTable(w, []column{
		{head: "FILE", width: 24, fit: cutMiddle}, {head: "NEW ENTRIES"}, {head: "NEW OPS", width: 8}, {head: "HELD OPS"}, {head: "STATE"},
	})
	n := func(n uint64) string { return strconv.FormatUint(n, 10) }
	for _, b := range bundles {
		if err := t.row(b.File, n(b.Entries), n(b.Ops), n(b.Duplicates), b.state()); err != nil {
			return err
		}
	}
	for _, b := range bundles {
		for _, note := range b.notes() {
			if err := t.say(b.File + ": " + note); err != nil {
				return err
			}
		}
	}
	return t.end()
}

// state says in a word how a bundle is.
func (b *applied) state() string {
	switch {
	case b.Failed != "":
		return "not usable"
	case !b.Whole:
		return "damaged"
	case !b.OK():
		return "incomplete"
	}
	return "whole"
}

// notes says in words what a table has no room for.
func (b *applied) notes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if b.Failed != "" {
		add("%s", b.Failed)
	}
	if b.Damage != "" {
		add("damaged %s", b.Damage)
	}
	if b.Skipped > 0 {
		add("%s could not be read and were passed over", count(uint64(b.Skipped), "frame"))
	}
	for _, r := range b.Refused {
		if !slices.ContainsFunc(b.Lacks, func(l bundle.Lack) bool { return l.Author == r.Author }) {
			add("refused of %s: %s", r.Author, r.Reason)
		}
	}
	if b.MoreRefused > 0 {
		add("and refused something of %s more", count(uint64(b.MoreRefused), "author"))
	}
	for _, l := range b.Lacks {
		add("missing of %s", l)
	}
	if b.More > 0 {
		add("and something of %s more", count(uint64(b.More), "author"))
	}
	for _, a := range b.Forked {
		add("brought a fork of %s: see quipu forks show %s", a, a.Short())
	}
	return notes
}
