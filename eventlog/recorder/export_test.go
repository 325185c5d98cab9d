package recorder

import (
	"context"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Update is how a recorder writes to its log.
type Update = func(ctx context.Context, fn func(tx *eventlog.Tx) error) error

// Break makes r write through what around makes of its way to write. Nothing else uses r meanwhile.
func Break(r *Recorder, around func(Update) Update) { r.update = around(r.update) }

// Force puts an event into the buffer that Record would refuse.
func Force(r *Recorder, e crdt.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	r.stats.Recorded++
	r.buffer.push(item{number: r.number, event: e})
}

// Empty forgets what waits in memory.
func Empty(r *Recorder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.buffer.items)
	r.buffer = buffer{items: r.buffer.items[:0]}
}

// OtherBoot makes it seem that the machine was started anew since r began.
func OtherBoot(r *Recorder) error {
	return r.update(context.Background(), func(tx *eventlog.Tx) error {
		s, err := readState(tx, r.cfg.Name)
		if err != nil {
			return err
		}
		s.Boot = "another"
		return s.write(tx, r.cfg.Name)
	})
}

// MaxUnsynced bounds the spilled events that no sync has covered.
const MaxUnsynced = maxUnsynced
