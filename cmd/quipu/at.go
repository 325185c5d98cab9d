package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// atHelp explains the flags of moments.
const atHelp = `--at takes a moment: a time, or a file (- is stdin) that holds a frontier, as
"quipu frontier" prints it, as JSON or as a table. At a time, what was written up
to then counts, by the clocks of the entries, which are true to cause and effect
where clocks are within a minute; with --by event what happened up to then, by
the event times, which are their writers' word. What is left out moves nothing,
and whoever wrote in knowledge of it still knew what it leads back to. At a
frontier, exactly the entries that it stands for count, forks included; a node
that does not hold all of them says which it lacks.

` + timeHelp + `
A file of such a name is given as ./14d.`

// atFlags are the flags that name a moment.
type atFlags struct{ at, by string }

func (f *atFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.at, "at", "", "as of this `moment`: a time, a date, an age, or a file with a frontier")
	cmd.Flags().Var(&choice{&f.by, []string{"clock", "event"}}, "by", "what the time of --at is compared with: clock or event")
	f.by = "clock"
}

// moment returns what the flags name.
func (f *atFlags) moment(cmd *cobra.Command) (api.Moment, error) {
	if f.at == "" {
		if cmd.Flags().Changed("by") {
			return api.Moment{}, usagef("--by goes with --at")
		}
		if cmd.Flags().Changed("at") {
			return api.Moment{}, usagef("--at is empty: expected a time, such as 2024-05-01T12:00:00Z, or a file")
		}
		return api.Moment{}, nil
	}
	var at age.Time
	var err error
	at.Time, err = age.ParseTime(f.at, time.Now())
	switch {
	case err == nil && f.by == "event":
		return api.Moment{Event: at}, nil
	case err == nil:
		return api.Moment{Clock: at}, nil
	case !errors.Is(err, crdt.ErrNotTime):
		return api.Moment{}, usagef("--at: %w", err)
	case cmd.Flags().Changed("by"):
		return api.Moment{}, usagef("--by goes with a time, such as --at 2024-05-01T12:00:00Z")
	}
	return frontierMoment(cmd, "at", f.at, err)
}

// clockMoment returns what the flag names: a time by the clocks, or a frontier in a file.
func clockMoment(cmd *cobra.Command, flag, text string) (at api.Moment, err error) {
	at.Clock.Time, err = age.ParseTime(text, time.Now())
	switch {
	case err == nil:
		return at, nil
	case !errors.Is(err, crdt.ErrNotTime):
		return api.Moment{}, usagef("--%s: %w", flag, err)
	}
	return frontierMoment(cmd, flag, text, err)
}

// frontierMoment reads the frontier in a file that a flag names. That the text is no time is why.
func frontierMoment(cmd *cobra.Command, flag, path string, why error) (api.Moment, error) {
	frontier, noFile := readMoment(cmd, path)
	if errors.Is(noFile, fs.ErrNotExist) {
		return api.Moment{}, fmt.Errorf("--%s %w; as a file: %w", flag, why, fs.ErrNotExist)
	}
	if noFile != nil {
		return api.Moment{}, fmt.Errorf("--%s: %w", flag, noFile)
	}
	return api.Moment{Frontier: &frontier}, nil
}

// readMoment reads a frontier from a file: as JSON, as a table, or that up to which a bundle leads.
func readMoment(cmd *cobra.Command, path string) (api.Frontier, error) {
	return readFrontierAs(cmd, path, func(r *bufio.Reader) (api.Frontier, error) {
		head := []byte("AUTHOR ")
		begin, _ := r.Peek(len("\ufeff") + len(head)) // the error of a shorter one is met again
		begin, err := bom.Strip(begin)
		if err != nil {
			return api.Frontier{}, err
		}
		if !bytes.HasPrefix(begin, head) {
			return parseFrontier(r)
		}
		return frontierTable(bufio.NewScanner(io.LimitReader(r, maxFrontier)))
	})
}

// frontierTable reads the table that quipu frontier prints.
func frontierTable(lines *bufio.Scanner) (api.Frontier, error) {
	held := crdt.Frontier{}
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			continue // the head
		}
		cells := strings.Fields(lines.Text())
		if len(cells) < 3 { // a name may stand behind
			return api.Frontier{}, fmt.Errorf("line %d: expected an author, the next seq and an op, as quipu frontier prints them", number)
		}
		author, err := crdt.ParseAuthor(cells[0])
		var head crdt.Head
		if err == nil {
			head.Next, err = strconv.ParseUint(cells[1], 10, 53)
		}
		if err == nil {
			err = head.ID.UnmarshalText([]byte(cells[2]))
		}
		if err != nil {
			return api.Frontier{}, fmt.Errorf("line %d: %w", number, err)
		}
		held[author] = append(held[author], head)
	}
	return api.FrontierOf(held), lines.Err()
}
