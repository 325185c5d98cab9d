package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// sum is a projection: the sum of the numbers. Its result says how often it has finished, too.
type sum int

// sums is the name of the rebuild, and of the bucket that has its result.
const sums = "sums"

func (n *sum) New(context.Context, rebuild.Range) error { *n = 0; return nil }

func (n *sum) Load(state *eventlog.ReadBucket, _ uint64, _ rebuild.Range) error {
	kept, err := strconv.Atoi(string(state.Get([]byte("sum"))))
	*n = sum(kept)
	return err
}

func (n *sum) Apply(e *crdt.Entry) error {
	if e.Kind != numberKind {
		return nil
	}
	var number int
	err := json.Unmarshal(e.Payload, &number)
	*n += sum(number)
	return err
}

func (n *sum) Store(_ *eventlog.Tx, state *eventlog.Bucket) error {
	return state.Put([]byte("sum"), fmt.Append(nil, int(*n)))
}

func (n *sum) Finish(tx *eventlog.Tx, _ *eventlog.Bucket) error {
	b := tx.Bucket(sums)
	return b.Put([]byte("finished"), fmt.Appendf(b.Get([]byte("finished")), " %d", int(*n)))
}

// atRebuild takes note of what the log holds: that is what is folded.
func atRebuild(s *subject) {
	s.upTo, s.sum = s.log.Frontier(), 0
	for n := range s.held(s.log) {
		s.sum += n
	}
}

func (s *subject) rebuild() error {
	_, err := rebuild.Run(s.ctx, s.log, sums, rebuild.Config{To: s.upTo, MaxEntries: 4}, new(sum))
	return err
}

// finished returns the sums with which the rebuild has finished.
func (s *subject) finished() (text string) {
	s.Helper()
	must(s, s.log.View(s.ctx, func(tx *eventlog.ReadTx) error {
		text = string(tx.Bucket(sums).Get([]byte("finished")))
		return nil
	}))
	return text
}

func (s *subject) foundRebuilt() string {
	if s.finished() != "" {
		return all
	}
	kept, err := rebuild.List(s.ctx, s.log)
	must(s, err)
	if len(kept) == 0 || kept[0].Done == 0 {
		return none
	}
	return part
}

// rebuiltOnce goes on with the rebuild, which finishes once, with the sum of all numbers that the log had.
func (s *subject) rebuiltOnce() {
	s.Helper()
	if err := s.rebuild(); err != nil {
		s.Errorf("go on with the rebuild: %v", err)
	}
	if got, want := s.finished(), fmt.Sprintf(" %d", s.sum); got != want {
		s.Errorf("the rebuild has finished with %q, want %q once", got, want)
	}
}
