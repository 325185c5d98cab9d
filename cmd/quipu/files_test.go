package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

func corrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: corrupt FILE TEXT")
	}
	edit(ts, args[0], func(b []byte) []byte {
		changed := bytes.ReplaceAll(b, []byte(args[1]), append([]byte{args[1][0] ^ 1}, args[1][1:]...))
		if bytes.Equal(changed, b) {
			ts.Fatalf("%s does not hold %q", args[0], args[1])
		}
		return changed
	})
}

func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 4 {
		ts.Fatalf("usage: fill FILE N [BEFORE AFTER]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := strings.Repeat("x", n)
	if len(args) == 4 {
		unescape := strings.NewReplacer(`\n`, "\n")
		text = unescape.Replace(args[2]) + text + unescape.Replace(args[3])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat FILE N LINE")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(args[2]+"\n", n)), 0o644))
}

// foreign are the fields that differ between two logs, or two nodes, that hold the same events.
var foreign = regexp.MustCompile(`"author":"[^"]*","seq":\d+,"op":"[^"]*","clock":"[^"]*",|,"offset":\d+`)

func events(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: events FILE")
	}
	_, err := ts.Stdout().Write([]byte(foreign.ReplaceAllString(ts.ReadFile(args[0]), "")))
	ts.Check(err)
}

// placed begins a row of a table of entries.
var placed = regexp.MustCompile(`^\S+/\d+(@\S+)? `)

func subjects(ts *testscript.TestScript, neg bool, args []string) {
	var got []string
	head, rows, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	at := max(strings.Index(head, "SUBJECT"), 0)
	for row := range strings.Lines(rows) {
		if placed.MatchString(row) && len(row) > at {
			got = append(got, strings.Fields(row[at:])[0])
		}
	}
	if neg || !slices.Equal(got, args) {
		ts.Fatalf("subjects are %q, want %q", got, args)
	}
}

// disguise has copied folders look like their originals: see [eventlogtest.Disguise].
//
//	disguise DIR...
func disguise(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: disguise DIR...")
	}
	for _, dir := range args {
		eventlogtest.Disguise(ts, ts.MkAbs(dir))
	}
}

// rebooted has logs look as after a start of the machine: see [eventlogtest.Reboot].
//
//	rebooted DIR...
func rebooted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: rebooted DIR...")
	}
	for _, dir := range args {
		eventlogtest.Reboot(ts, ts.MkAbs(dir))
	}
}
