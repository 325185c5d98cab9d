package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/quipulog/quipu/crdt/enum"
)

// ErrBreakdown is wrapped by every error that says why a [Breakdown] makes no sense.
var ErrBreakdown = errors.New("invalid breakdown")

// By says what the groups of a summary have in common.
type By uint8

const (
	// ByNothing makes no groups.
	ByNothing By = iota
	// ByModule groups by the module of the start, and an end without start by its own.
	ByModule
	// ByAuthor groups by author in the same way.
	ByAuthor
)

// String returns "nothing", "module" or "author".
func (b By) String() string { return enum.Text(b, "by", "nothing", "module", "author") }

// Breakdown says what a summary shows beside the total.
type Breakdown struct {
	// By is what groups have in common; default no groups.
	By By
	// Slowest is how many of the slowest pairs are kept, up to [MaxSlowest]; default none.
	Slowest int
	// MaxExact is how many latencies are kept for exact percentiles, 8 bytes each, for groups and total
	// together; default [DefaultMaxExact]. Past it a group has a sketch.
	MaxExact int
}

// Check returns why b makes no sense, or nil. Errors wrap [ErrBreakdown].
func (b Breakdown) Check() error {
	switch {
	case b.By > ByAuthor:
		return fmt.Errorf("%w: %s: expected nothing, module or author", ErrBreakdown, b.By)
	case b.Slowest < 0 || b.Slowest > MaxSlowest:
		return fmt.Errorf("%w: the %d slowest pairs: expected 0 to %d", ErrBreakdown, b.Slowest, MaxSlowest)
	case b.MaxExact < 0:
		return fmt.Errorf("%w: %d latencies to keep: expected 0 for the default, or more", ErrBreakdown, b.MaxExact)
	}
	return nil
}

// Summary is the outcomes of a join in numbers.
type Summary struct {
	Total Group `json:"total"`
	// Groups are sorted by name. Others is what belongs to groups past [MaxGroups]; nil for nothing.
	Groups []Group `json:"groups,omitempty"`
	Others *Group  `json:"others,omitempty"`
	// Slowest are the pairs that took longest, the slowest first, each with its places, its latency and its
	// number. Pairs that took as long are in the author order of their ends.
	Slowest []Outcome `json:"slowest,omitempty"`
	// Gone counts entries that are not in the log any more, and so in no other number here.
	Gone uint64 `json:"gone"`
}

// Group is the outcomes of one module or author, or of all, in numbers. Starts are paired or alone, and so
// are ends; entries that took no part are counted besides.
type Group struct {
	// Name is the module or the author in hex, "" for the total, the others and entries without a
	// module.
	Name string `json:"name"`
	// Pairs counts pairs. PairedStarts counts each start that has an end once: only with [OneToMany] are
	// they fewer than Pairs.
	Pairs        uint64 `json:"pairs"`
	PairedStarts uint64 `json:"pairedStarts"`
	// StartsAlone and EndsAlone count starts and ends without another half.
	StartsAlone uint64 `json:"startsAlone"`
	EndsAlone   uint64 `json:"endsAlone"`
	// RepeatedStarts came while another start of their key waited, whatever became of them. RepeatedEnds
	// and EndsBeforeStart are ends alone: the start that they could have had was taken, or came after them.
	// See [EndAlone].
	RepeatedStarts  uint64 `json:"repeatedStarts"`
	RepeatedEnds    uint64 `json:"repeatedEnds"`
	EndsBeforeStart uint64 `json:"endsBeforeStart"`
	// Late and Keyless entries took no part.
	Late    uint64 `json:"late"`
	Keyless uint64 `json:"keyless"`
	// Displaced and Overlooked count what there was no room to know: unless both are 0, RepeatedEnds and
	// EndsBeforeStart may be too low. All other numbers are right.
	Displaced  uint64 `json:"displaced"`
	Overlooked uint64 `json:"overlooked"`
	// Succeeded, Failed and Undecided count pairs by how the end went.
	Succeeded uint64  `json:"succeeded"`
	Failed    uint64  `json:"failed"`
	Undecided uint64  `json:"undecided"`
	Latency   Latency `json:"latency"`
	Number    Numbers `json:"number,omitzero"`
}

// SuccessRate returns the part of all pairs, undecided ones included, that succeeded, in hundredths of a
// percent, rounded half up, and whether the success of any pair is decided.
func (g *Group) SuccessRate() (hundredths uint64, known bool) {
	if g.Succeeded+g.Failed == 0 {
		return 0, false
	}
	return (g.Succeeded*10_000 + g.Pairs/2) / g.Pairs, true
}

// Numbers are the numbers of pairs, added up.
type Numbers struct {
	// Count is how many pairs have a number, Missing how many have none.
	Count   uint64 `json:"count"`
	Missing uint64 `json:"missing"`
	// Sum is exact. Average has three decimals more than Sum, the last rounded half away from zero; ""
	// where there is nothing to average.
	Sum     string `json:"sum"`
	Average string `json:"average"`
}

// IsZero reports whether no pair has a number.
func (n Numbers) IsZero() bool { return n.Count == 0 }

// Summarize reads all outcomes and puts them into numbers. Its memory is bounded by MaxExact latencies,
// Slowest pairs and MaxGroups groups. It ends with the first error of the outcomes, or with one that wraps
// [ErrBreakdown].
func Summarize(outcomes iter.Seq2[Outcome, error], b Breakdown) (*Summary, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	room := cmp.Or(b.MaxExact, DefaultMaxExact)
	s := summing{by: b.By, room: &room, total: newTally("", &room), groups: make(map[string]*tally), slowest: slowest{most: b.Slowest}}
	for o, err := range outcomes {
		if err != nil {
			return nil, err
		}
		s.add(&o)
	}
	return s.summary(), nil
}

// summing is a summary at work.
type summing struct {
	by      By
	room    *int // of latencies
	total   *tally
	groups  map[string]*tally
	others  *tally // nil until there are too many groups
	slowest slowest
	gone    uint64
}

func (s *summing) add(o *Outcome) {
	if o.Verdict == Gone {
		s.gone += o.Gone
		return
	}
	s.total.add(o)
	if t := s.group(o); t != nil {
		t.add(o)
	}
	if o.Verdict == Paired {
		s.slowest.add(o)
	}
}

// group returns the group of an outcome, nil if there are none.
func (s *summing) group(o *Outcome) *tally {
	name := ""
	switch s.by {
	case ByNothing:
		return nil
	case ByModule:
		name = o.entry().Module
	case ByAuthor:
		name = o.entry().Place.Author.String()
	}
	if t := s.groups[name]; t != nil {
		return t
	}
	if len(s.groups) == MaxGroups {
		if s.others == nil {
			s.others = newTally("", s.room)
		}
		return s.others
	}
	t := newTally(name, s.room)
	s.groups[name] = t
	return t
}

func (s *summing) summary() *Summary {
	made := &Summary{Total: s.total.sum(), Slowest: s.slowest.sorted(), Gone: s.gone}
	for _, t := range s.groups {
		made.Groups = append(made.Groups, t.sum())
	}
	slices.SortFunc(made.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	if s.others != nil {
		others := s.others.sum()
		made.Others = &others
	}
	return made
}
