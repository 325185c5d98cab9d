package main

import (
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// newestFlag adds --newest.
func newestFlag(cmd *cobra.Command, n *int) {
	cmd.Flags().Var(&limit{n}, "newest", "print the newest entries, this `number` of them, oldest first: the last in causal order, or in that of --order arrival")
}

// askNewest makes the query one for its n newest entries, newest first, where --newest is given, and reports
// whether they are to be turned.
func askNewest(cmd *cobra.Command, q *api.Query, n int) (turn bool, err error) {
	if !cmd.Flags().Changed("newest") {
		return false, nil
	}
	if n == 0 {
		return false, usagef("--newest 0: expected 1 or more")
	}
	for _, name := range []string{"--limit", "--from"} {
		if cmd.Flags().Changed(name[2:]) {
			return false, usagef("%s does not go with --newest", name)
		}
	}
	switch {
	case !cmd.Flags().Changed("order"):
		q.Order = "causal"
	case q.Order == "author":
		return false, usagef("--newest goes with --order causal or arrival: the last entries in author order are those of the last author")
	}
	turn = !q.Reverse
	q.Limit, q.Reverse = n, true
	return turn, nil
}

// maxTurned bounds the bytes of the lines that are kept to be turned.
const maxTurned = 256 << 20

// turned yields the lines last to first. An error comes before the lines that came before it.
func turned(lines iter.Seq2[client.Line, error]) iter.Seq2[client.Line, error] {
	return func(yield func(client.Line, error) bool) {
		var all []client.Line
		bytes := 0
		for line, err := range lines {
			if bytes += len(line); bytes > maxTurned && err == nil {
				err = fmt.Errorf("the newest %d entries have more than %d bytes: ask for fewer, or for --reverse, which prints them as they come", len(all)+1, maxTurned)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			all = append(all, slices.Clone(line))
		}
		for _, line := range slices.Backward(all) {
			if !yield(line, nil) {
				return
			}
		}
	}
}
