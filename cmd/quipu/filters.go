package main

import (
	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

// filterFlags adds the flags that say which entries to read.
func filterFlags(cmd *cobra.Command, q *api.Query, who *sought) {
	f := cmd.Flags()
	who.add(cmd)
	kindFlag(cmd, &q.Kinds)
	f.StringArrayVar(&q.Modules, "module", nil, "take entries of this `module` (repeat it for several)")
	f.StringArrayVar(&q.Subjects, "subject", nil, "take entries about this `subject` (repeat it for several)")
	f.Var(timeFlag{&q.Since}, "since", "take entries whose event time is not before this `time`: RFC 3339, a date or an age")
	f.Var(timeFlag{&q.Until}, "until", "take entries whose event time is before this `time`: RFC 3339, a date or an age")
	f.Var(&choice{&q.Disputed, []string{"show", "hide", "only"}}, "disputed", "show, hide or only: the entries on branches of authors who have forked")
	q.Disputed = "show"
	f.Var(&limit{&q.Limit}, "limit", "stop after this `number` of entries")
}

// limit is a flag that takes a number of entries.
type limit struct{ n *int }

func (l *limit) String() string { return "" }
func (l *limit) Type() string   { return "number" }

func (l *limit) Set(s string) (err error) {
	*l.n, err = api.ParseLimit(s)
	return err
}
