package demo

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/eventlog/transition/machinefile"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// statuses is the machine of the proposals, in YAML.
//
//go:embed pep.yaml
var statuses []byte

// proposalMachine returns the machine of the proposals.
func proposalMachine() (machine.Machine, error) {
	m, err := machinefile.Parse(statuses)
	if err != nil {
		return m, fmt.Errorf("read pep.yaml: %w", err)
	}
	return m, nil
}

// explain holds a node's transitions against the machine of the proposals and says what came of it. It
// returns an error unless each is sound or has a finding.
func (d *demo) explain(ctx context.Context) error {
	if d.cfg.Input != nil {
		return nil // they may have any statuses
	}
	m, err := proposalMachine()
	if err != nil {
		return err
	}
	var r api.CheckReport
	err = d.scripts[0].with(ctx, func(c *client.Client) (err error) {
		r, err = c.CheckTransitions(ctx, api.CheckRequest{Machine: m, MaxFindings: 2 * len(d.moves)})
		return err
	})
	if err != nil {
		return err
	}
	odd := make(map[string]bool)
	for _, f := range r.Findings {
		odd[f.Transition.Place.String()] = true
	}
	if r.Transitions != uint64(len(d.moves)) || r.Sound+uint64(len(odd)) != r.Transitions {
		return fmt.Errorf("%d of %d transitions are sound and %d have a finding: some are not explained", r.Sound, len(d.moves), len(odd))
	}
	n := func(class transition.Class) string { return thousands(int(r.Counts[string(class)])) }
	fmt.Fprintf(d.cfg.Out, "\nBy the machine of their statuses (pep.yaml): %s by an alias, %s unknown, %s bad beginnings,\n"+
		"%s moves after the end and %s not allowed. Written while nodes could not see each other: %s\n"+
		"concurrent moves, %s that follow nothing their node knew. All others are sound: %s.\n",
		thousands(int(r.Aliased)), n(transition.UnknownState), n(transition.BadBeginning), n(transition.AfterEnd),
		n(transition.Illegal), n(transition.Concurrent), n(transition.DoesNotFollow), thousands(int(r.Sound)))
	return nil
}
