package rebuild

import (
	"context"
	"sync"

	"github.com/quipulog/quipu/eventlog"
)

// Job is one of several rebuilds.
type Job struct {
	Name       string
	Config     Config
	Projection Projection
}

// Outcome is what became of a [Job].
type Outcome struct {
	Name   string
	Result Result
	Err    error
}

// All runs several rebuilds beside each other, each in a goroutine of its own, and returns what became of each, in
// their order, once all have ended. What ends one, or keeps it waiting, does not stop the others. A panic of a
// projection is not caught.
func All(ctx context.Context, log *eventlog.Log, jobs ...Job) []Outcome {
	outcomes := make([]Outcome, len(jobs))
	var running sync.WaitGroup
	for i, j := range jobs {
		running.Go(func() {
			result, err := Run(ctx, log, j.Name, j.Config, j.Projection)
			outcomes[i] = Outcome{Name: j.Name, Result: result, Err: err}
		})
	}
	running.Wait()
	return outcomes
}
