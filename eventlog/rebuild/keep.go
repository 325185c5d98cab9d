package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// keptHere keeps the state in the log's own file.
type keptHere struct{ p Projection }

func (k *keptHere) load(ctx context.Context, r *run) (found bool, err error) {
	if !r.rec.Stored {
		return false, nil
	}
	err = r.log.View(ctx, func(tx *eventlog.ReadTx) error {
		if err := r.mine(tx); err != nil {
			return err
		}
		return k.p.Load(tx.Bucket(Prefix+r.name), r.rec.Version, r.rec.span())
	})
	if errors.Is(err, ErrVersion) {
		err = &VersionError{Name: r.name, Saved: r.rec.Version, Known: r.cfg.Version}
	}
	return err == nil, err
}

func (k *keptHere) store(ctx context.Context, r *run) error {
	return r.commit(ctx, "store", func(tx *eventlog.Tx) error { return k.p.Store(tx, tx.Bucket(Prefix+r.name)) })
}

func (k *keptHere) finish(ctx context.Context, r *run) error {
	return r.commit(ctx, "finish", func(tx *eventlog.Tx) error { return k.p.Finish(tx, tx.Bucket(Prefix+r.name)) })
}

// commit runs a step of the projection, and keeps the record beside it.
func (r *run) commit(ctx context.Context, what string, step func(tx *eventlog.Tx) error) error {
	return r.log.Update(ctx, func(tx *eventlog.Tx) error {
		if err := r.mine(&tx.ReadTx); err != nil {
			return err
		}
		if err := step(tx); err != nil {
			return fmt.Errorf("rebuild %q: %s: %w", r.name, what, err)
		}
		if err := tx.SetHold(r.rec.hold(r.name, tx.Now())); err != nil {
			return err
		}
		r.held = time.Now()
		return r.rec.put(tx, r.name)
	})
}

// mine returns [ErrTaken] where another run has taken up the rebuild, or it was dropped.
func (r *run) mine(tx *eventlog.ReadTx) error {
	rec, found, err := read(tx, r.name)
	if err == nil && (!found || rec.Run != r.id) {
		err = fmt.Errorf("rebuild %q: %w", r.name, ErrTaken)
	}
	return err
}

// keptElsewhere keeps the state in a target of the program's. The checkpoint there is the truth; the log's record
// follows it.
type keptElsewhere struct{ p Elsewhere }

func (k *keptElsewhere) load(ctx context.Context, r *run) (found bool, err error) {
	b, err := k.p.Load(ctx)
	if err != nil {
		if errors.Is(err, ErrVersion) {
			err = &VersionError{Name: r.name, Saved: r.rec.Version, Known: r.cfg.Version}
		}
		return false, err
	}
	var there record
	if len(b) > 0 {
		if there, err = decode(r.name, b); err != nil {
			return false, err
		}
	}
	// A target that knows nothing of it, or has another rebuild's checkpoint, begins.
	if len(b) == 0 || there.Rebuild != r.rec.Rebuild && !r.unbegun || r.cfg.Anew && there.Rebuild != r.rec.Rebuild {
		r.rec.At, r.rec.Stored, r.rec.Done, r.rec.Gone = nil, false, 0, 0
		return false, nil
	}
	if there.Finished.IsZero() {
		if err := r.check(&there); err != nil {
			return false, err
		}
	}
	there.Run, there.Upto = r.id, r.rec.Upto // offsets are this log's
	r.rec = there
	return true, nil
}

func (k *keptElsewhere) store(ctx context.Context, r *run) error {
	return k.put(ctx, r, "store", k.p.Store)
}

func (k *keptElsewhere) finish(ctx context.Context, r *run) error {
	return k.put(ctx, r, "finish", k.p.Finish)
}

// put has the target keep the state and the checkpoint, and lets the log know. A crash between the two finds the
// target ahead, and the log is told at the next load.
func (k *keptElsewhere) put(ctx context.Context, r *run, what string, put func(context.Context, []byte) error) error {
	if err := r.log.View(ctx, r.mine); err != nil {
		return err
	}
	if err := put(ctx, r.rec.encode()); err != nil {
		return fmt.Errorf("rebuild %q: %s: %w", r.name, what, err)
	}
	return r.note(ctx)
}

// note lets the log know how far the rebuild is, without its state.
func (r *run) note(ctx context.Context) error {
	return r.commit(ctx, "note", func(tx *eventlog.Tx) error { return nil })
}
