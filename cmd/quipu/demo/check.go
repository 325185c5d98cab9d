package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// said is what a transition says, without where it stands.
type said struct {
	time                              int64 // nanoseconds since 1970
	author, subject, from, to, commit string
}

// finding is what a node turned out to hold.
type finding struct {
	hash   crdt.Hash
	report api.Report
	moves  map[said]int // how often each was found
	count  int
	notes  map[note]int // how often each was found
	states []api.State
}

// check holds every node against the input and against the others.
func (d *demo) check(ctx context.Context) error {
	d.say.begin("checking", 0)
	findings := make([]finding, len(d.scripts))
	err := d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
		i := slices.Index(d.scripts, s)
		return s.with(ctx, func(c *client.Client) error { return findings[i].find(ctx, c) })
	})
	if err != nil {
		return err
	}
	wanted := make(map[said]int, len(d.moves))
	for _, m := range d.moves {
		wanted[said{m.Time.UnixNano(), m.Author, m.Subject, m.From, m.To, m.Commit}]++
	}
	for i, f := range findings {
		err = errors.Join(err, f.compare(d.scripts[i].name, wanted, len(d.moves), findings[0]), f.compareNotes(d.scripts[i].name, d.noted()))
	}
	d.showFindings(findings)
	return err
}

// find reads what there is to know of a node.
func (f *finding) find(ctx context.Context, c *client.Client) error {
	frontier, err := c.Frontier(ctx)
	if err != nil {
		return err
	}
	f.hash = frontier.Hash
	if f.report, err = c.Verify(ctx, nil); err != nil {
		return err
	}
	f.moves = map[said]int{}
	for t, err := range c.Transitions(ctx, api.StateQuery{}) {
		if err != nil {
			return err
		}
		f.count++
		f.moves[said{t.Time.UnixNano(), t.Headers[authorHeader], t.Subject, t.From, t.To, t.Trigger}]++
	}
	if f.notes, err = readNotes(ctx, c); err != nil {
		return err
	}
	for state, err := range c.States(ctx, api.StateQuery{}) {
		if err != nil {
			return err
		}
		f.states = append(f.states, state)
	}
	return nil
}

// compare says what does not hold of a node.
func (f *finding) compare(name string, wanted map[said]int, count int, first finding) error {
	var wrong error
	complain := func(format string, args ...any) {
		wrong = errors.Join(wrong, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	if f.hash != first.hash {
		complain("its frontier hash is %s, that of the first node %s", f.hash, first.hash)
	}
	if !f.report.OK {
		complain("its file does not verify: %q", f.report.Problems)
	}
	if notes := total(f.notes); f.count != count || f.report.Entries != uint64(count+notes) {
		complain("its log has %d transitions and %d notes in %d entries, the input %d transitions", f.count, notes, f.report.Entries, count)
	}
	if !maps.Equal(f.moves, wanted) {
		complain("its transitions are not those of the input: %s", difference(f.moves, wanted))
	}
	if !slices.EqualFunc(f.states, first.states, sameState) {
		complain("the stages of its subjects are not those of the first node")
	}
	return wrong
}

// difference names the first transitions that differ, by time.
func difference(got, want map[said]int) string {
	for s, n := range want {
		if got[s] != n {
			return fmt.Sprintf("%s %s to %s at %s: %d times, not %d", s.subject, s.from, s.to, time.Unix(0, s.time).UTC(), got[s], n)
		}
	}
	for s, n := range got {
		if want[s] != n {
			return fmt.Sprintf("%s %s to %s at %s: %d times, not %d", s.subject, s.from, s.to, time.Unix(0, s.time).UTC(), n, want[s])
		}
	}
	return "none"
}

func sameState(a, b api.State) bool {
	return a.Subject == b.Subject && a.Stage == b.Stage && a.Place == b.Place && a.Moves == b.Moves
}
