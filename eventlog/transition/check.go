package transition

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// CheckConfig says what a check looks at.
type CheckConfig struct {
	// Bounds say which transitions are checked. Default: all that are held.
	Bounds Bounds
	// MaxFindings is how many findings are listed; the rest is only counted. Default: 10,000.
	MaxFindings int
}

// maxStrangeEdges bounds the different moves from or to stages that are no states of which the report
// counts how often they happened: strangers can make up any number of stages.
const maxStrangeEdges = 1 << 10

// Report is what a check found. Two nodes that hold the same entries have the same report, but for the
// offsets of the entries.
type Report struct {
	// Frontier is the hash of the frontier that was checked.
	Frontier crdt.Hash
	// Subjects and Transitions count what was looked at. Each transition is either Sound, when nothing is
	// odd about it, or Odd, when it has a finding.
	Subjects, Transitions, Sound, Odd uint64
	// Counts are how many findings there are of each class.
	Counts map[Class]uint64
	// Findings are the first findings, by subject, place in the subject's history, and class; More counts
	// the rest.
	Findings []Finding
	More     uint64
	// Contested are the subjects that may be in one of several stages, by name.
	Contested []State
	// Edges say how often each move happened, sorted; states go by their proper names. Respelt counts the
	// moves from one spelling of a state to another, which are on no edge. MoreMoves counts the moves on
	// edges that are not listed: past 1,024 edges with a stage that is no state.
	Edges              []machine.Edge
	Respelt, MoreMoves uint64
	// Aliased counts the transitions that name a state by an alias, which is taken for the state.
	Aliased uint64
	// Pruned counts the transitions after a pruned one: only their writers' word says where their subjects
	// were before.
	Pruned uint64
}

// CheckLog holds the transitions of a log against a machine, and against each other. The machine is
// validated first; an error wraps [machine.ErrInvalid] when it is not valid. Memory is that of [States]
// and of the report.
func CheckLog(ctx context.Context, log *eventlog.Log, m machine.Machine, cfg CheckConfig) (*Report, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("check transitions: %w", err)
	}
	w, err := newWithin(ctx, log, cfg.Bounds)
	if err != nil {
		return nil, fmt.Errorf("check transitions: %w", err)
	}
	c := newChecker(&m, cfg.MaxFindings)
	c.report.Frontier = w.bounds.Frontier.Hash()
	c.survey.causal, c.survey.pruned = w.causal, w.pruned
	if err := c.run(ctx, cfg.Bounds.Subjects); err != nil {
		return nil, fmt.Errorf("check transitions: %w", err)
	}
	return &c.report, nil
}

// checker makes one report.
type checker struct {
	m        *machine.Machine
	survey   survey
	findings findings
	report   Report
	edges    map[[2]string]uint64
	strange  int // edges of which a stage is no state
}

func newChecker(m *machine.Machine, most int) *checker {
	c := &checker{
		m: m, findings: findings{most: cmp.Or(max(0, most), 10_000)},
		report: Report{Counts: make(map[Class]uint64)}, edges: make(map[[2]string]uint64),
	}
	c.survey = survey{chained: c.step, malformed: c.malformed}
	return c
}

func (c *checker) run(ctx context.Context, subjects []string) error {
	if err := c.survey.run(ctx, subjects); err != nil {
		return err
	}
	for subject, err := range c.survey.tangled(ctx) {
		if err != nil {
			return err
		}
		rest := c.survey.tracks[subject.Name].rest(subject)
		for i := range rest {
			c.step(&rest[i])
		}
		if subject.Contested() {
			c.report.Contested = append(c.report.Contested, subject.state())
		}
	}
	r := &c.report
	r.Subjects = uint64(len(c.survey.tracks))
	r.Sound = r.Transitions - r.Odd
	c.findings.cut()
	r.Findings, r.More = c.findings.all, c.findings.total-uint64(len(c.findings.all))
	for _, pair := range slices.SortedFunc(maps.Keys(c.edges), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		r.Edges = append(r.Edges, machine.Edge{From: pair[0], To: pair[1], Count: c.edges[pair]})
	}
	return nil
}

// step judges one step. Those of a subject come in the order of its history.
func (c *checker) step(s *Step) {
	if s.Pruned {
		c.report.Pruned++
	}
	before := c.findings.total
	j := judge{m: c.m, step: s, say: c.say}
	j.move()
	j.place()
	c.counted(before)
	c.count(s)
}

func (c *checker) malformed(t *Transition) {
	before := c.findings.total
	c.say(Finding{
		Class: Malformed, Transition: *t, Why: t.Malformed.Error(),
		Expected: "a payload as package transition writes it", rank: rank(t.Entry.Clock),
	})
	c.counted(before)
}

func (c *checker) say(f Finding) {
	c.report.Counts[f.Class]++
	c.findings.add(f)
}

// counted counts a transition, as odd where there are more findings than before.
func (c *checker) counted(before uint64) {
	c.report.Transitions++
	if c.findings.total > before {
		c.report.Odd++
	}
}

// count counts a move between two stages.
func (c *checker) count(s *Step) {
	from, fromSpelling := c.m.Resolve(s.From)
	to, toSpelling := c.m.Resolve(s.To)
	if fromSpelling == machine.Alias || toSpelling == machine.Alias {
		c.report.Aliased++
	}
	if respells(from, fromSpelling, to, toSpelling) {
		c.report.Respelt++
		return
	}
	pair := [2]string{from, to}
	if _, known := c.edges[pair]; !known {
		if s.From != "" && fromSpelling == machine.Unknown || toSpelling == machine.Unknown {
			if c.strange == maxStrangeEdges {
				c.report.MoreMoves++
				return
			}
			c.strange++
		}
		pair = [2]string{strings.Clone(from), strings.Clone(to)}
	}
	c.edges[pair]++
}
