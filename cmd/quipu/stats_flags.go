package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/analysis"
)

// joinFlags adds the flags that say how entries are paired. All of them need both kinds.
func (s *stats) joinFlags(cmd *cobra.Command) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.StringArrayVar(&s.join.Start.Kinds, "start-kind", nil, "entries of this `kind` begin something (repeat it for several)")
	f.StringArrayVar(&s.join.End.Kinds, "end-kind", nil, "entries of this `kind` end it (repeat it for several)")
	f.Var(&keyFlag{&s.join.Start.Key}, "key", "pair by this `key`: subject, module, header:NAME or a JSON pointer into the payload (default subject)")
	f.Var(&keyFlag{&s.join.End.Key}, "end-key", "the `key` of the ends, where it is another")
	f.Var(spanFlag{&s.join.Within}, "within", "the greatest distance of a pair, such as 5m (default the greatest there is, 292 years)")
	f.BoolVar(&s.oldest, "oldest", false, "take the oldest start that is not taken, not the nearest")
	f.BoolVar(&s.oneToMany, "one-to-many", false, "take the nearest start, even if it is taken")
	f.BoolVar(&s.byClock, "by-clock", false, "measure by clock, not by event time")
	f.StringArrayVar(&s.join.Success.Kinds, "ok-kind", nil, "ends of this `kind` are a success, others are not (repeat it for several)")
	f.Var(&conditionFlag{&s.join.Success}, "ok", "ends are a success where the payload has this `value`, as in /status=paid")
	f.Var(&pointerFlag{&s.sum}, "sum", "add up the number at this JSON `pointer` of the end's payload")
	f.Var(&pointerFlag{&s.sumStart}, "sum-start", "add up the number at this JSON `pointer` of the start's payload")
	f.IntVar(&s.join.Window, "window", analysis.DefaultWindow, "the `number` of entries that are held back to be put in order of time")
	f.Var(&choice{&s.by, []string{"module", "author"}}, "by", "break down by module or author of the start")
	f.IntVar(&s.breakdown.Slowest, "slowest", 0, "show this `number` of the slowest pairs")
	f.Var(&verdictFlag{&s.list}, "list", "print entries, not numbers: "+enum.OneOf(verdictWords)+" (repeat it for several)")
	f.VisitAll(func(flag *pflag.Flag) { flag.Annotations = map[string][]string{ofJoin: nil} })
	cmd.Flags().AddFlagSet(f)
}

// ofJoin annotates the flags that need both kinds.
const ofJoin = "join"

// check says which flags do not go together, and makes the join of those that do.
func (s *stats) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	if len(s.join.Start.Kinds) == 0 || len(s.join.End.Kinds) == 0 {
		var err error
		cmd.Flags().Visit(func(flag *pflag.Flag) {
			if _, join := flag.Annotations[ofJoin]; join {
				err = usagef("--%s goes with both --start-kind and --end-kind", flag.Name)
			}
		})
		return err
	}
	switch {
	case changed("kind"):
		return usagef("--kind does not go with --start-kind and --end-kind, which say which kinds to take")
	case changed("within") && s.join.Within == 0:
		return usagef("--within 0: expected more than 0; without --within a pair may be any time apart")
	case s.oldest && s.oneToMany:
		return usagef("--oldest and --one-to-many: give one of them")
	case changed("sum") && changed("sum-start"):
		return usagef("--sum and --sum-start: give one of them")
	case changed("ok") && changed("ok-kind"):
		return usagef("--ok and --ok-kind: give one of them")
	case changed("slowest") && s.format == asCSV:
		return usagef("--slowest does not go with --format csv: use --list paired")
	case len(s.list) > 0 && (changed("slowest") || changed("by")):
		return usagef("--list prints entries: it does not go with --slowest or --by")
	}
	if !changed("end-key") {
		s.join.End.Key = s.join.Start.Key
	}
	switch {
	case s.oldest:
		s.join.Pairing = analysis.Oldest
	case s.oneToMany:
		s.join.Pairing = analysis.OneToMany
	}
	if s.byClock {
		s.join.Scale = analysis.ByClock
	}
	s.join.Number = analysis.Number{Field: s.sum}
	if changed("sum-start") {
		s.join.Number = analysis.Number{Field: s.sumStart, AtStart: true}
	}
	switch s.by {
	case "module":
		s.breakdown.By = analysis.ByModule
	case "author":
		s.breakdown.By = analysis.ByAuthor
	}
	if err := s.join.Check(); err != nil {
		return usageError{err}
	}
	if err := s.breakdown.Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// keyFlag is a flag that takes a key.
type keyFlag struct{ key *analysis.Key }

func (k *keyFlag) String() string { return "" }
func (k *keyFlag) Type() string   { return "key" }

func (k *keyFlag) Set(s string) (err error) {
	*k.key, err = analysis.ParseKey(s)
	return err
}

// pointerFlag is a flag that takes a JSON pointer.
type pointerFlag struct{ p *analysis.Pointer }

func (p *pointerFlag) String() string { return "" }
func (p *pointerFlag) Type() string   { return "pointer" }

func (p *pointerFlag) Set(s string) (err error) {
	*p.p, err = analysis.ParsePointer(s)
	return err
}

// conditionFlag is a flag that takes a JSON pointer and the value to find there.
type conditionFlag struct{ c *analysis.Condition }

func (c *conditionFlag) String() string { return "" }
func (c *conditionFlag) Type() string   { return "value" }

func (c *conditionFlag) Set(s string) (err error) {
	at, value, found := strings.Cut(s, "=")
	if !found {
		return fmt.Errorf("%q: expected a JSON pointer and a value, such as /status=paid", s)
	}
	c.c.Equals = value
	c.c.Field, err = analysis.ParsePointer(at)
	return err
}

// verdictWords are what --list takes.
var verdictWords = []string{
	analysis.Paired.String(), analysis.StartAlone.String(), analysis.EndAlone.String(), analysis.Late.String(), analysis.Keyless.String(),
}

// verdictFlag is a flag that takes one of them each time.
type verdictFlag struct{ all *[]string }

func (v *verdictFlag) String() string { return "" }
func (v *verdictFlag) Type() string   { return "word" }

func (v *verdictFlag) Set(s string) error {
	if !slices.Contains(verdictWords, s) {
		return fmt.Errorf("expected %s", enum.OneOf(verdictWords))
	}
	*v.all = append(*v.all, s)
	return nil
}
