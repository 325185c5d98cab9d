package main

import (
	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// filterFlags adds the flags that say which entries to read.
func filterFlags(cmd *cobra.Command, q *api.Query) {
	f := cmd.Flags()
	f.Var(&authors{&q.Authors}, "author", "take entries by this `author` (repeat it for several)")
	kindFlag(cmd, &q.Kinds)
	f.StringArrayVar(&q.Modules, "module", nil, "take entries of this `module` (repeat it for several)")
	f.StringArrayVar(&q.Subjects, "subject", nil, "take entries about this `subject` (repeat it for several)")
	f.Var(timeFlag{&q.Since}, "since", "take entries whose event time is not before this `time`: RFC 3339, a date or an age")
	f.Var(timeFlag{&q.Until}, "until", "take entries whose event time is before this `time`: RFC 3339, a date or an age")
	f.Var(&choice{&q.Disputed, []string{"show", "hide", "only"}}, "disputed", "show, hide or only: the entries on branches of authors who have forked")
	q.Disputed = "show"
	f.Var(&limit{&q.Limit}, "limit", "stop after this `number` of entries")
}

// authors is a flag that takes an author each time.
type authors struct{ all *[]crdt.Author }

func (a *authors) String() string { return "" }
func (a *authors) Type() string   { return "author" }

func (a *authors) Set(s string) error {
	author, err := crdt.ParseAuthor(s)
	if err == nil {
		*a.all = append(*a.all, author)
	}
	return err
}

// limit is a flag that takes a number of entries.
type limit struct{ n *int }

func (l *limit) String() string { return "" }
func (l *limit) Type() string   { return "number" }

func (l *limit) Set(s string) (err error) {
	*l.n, err = api.ParseLimit(s)
	return err
}

// place is a flag that takes a place.
type place struct{ p **crdt.Place }

func (p *place) String() string { return "" }
func (p *place) Type() string   { return "place" }

func (p *place) Set(s string) error {
	parsed, err := crdt.ParsePlace(s)
	if err == nil {
		*p.p = &parsed
	}
	return err
}
