package recorder

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/gap"
)

// The reasons of the gaps that a recorder leaves.
const (
	reasonFull    = "the recorder's buffer was full"
	reasonEnded   = "the recorder ended without Close"
	reasonPower   = "the recorder ended without Close, and the machine was started anew or the count is gone"
	reasonDamaged = "a spill file is damaged"
	reasonInvalid = "the log takes no such event"
)

// New returns a recorder that writes to log. What an earlier recorder of the same name has left in the
// spill is written before anything else. What that one lost, if it ended without Close, is named by a gap
// that New appends. Record may be called at once; nothing is written until [Recorder.Run], Flush or Close
// is called. A recorder of the same name that still runs on log is ended ([ErrTaken]): New waits for the
// flush that it is in.
//
// Errors name the field of cfg that is wrong, wrap [ErrOtherLog], or are those of [eventlog.Log.Update] or
// of the folder; New may be called again.
func New(log *eventlog.Log, cfg Config) (*Recorder, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("new recorder: %w", err)
	}
	var session [8]byte
	_, _ = rand.Read(session[:]) // it never fails
	r := &Recorder{
		update: log.Update, cfg: cfg, filter: newFilter(cfg.Kinds, cfg.Known != nil), session: hex.EncodeToString(session[:]),
		slot: make(chan struct{}, 1), wake: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	// Inside an Update of the log, TakeOver would wait for a flush that waits for this one: Update refuses.
	if err := r.update(context.Background(), func(*eventlog.Tx) error { return nil }); err != nil {
		return nil, fmt.Errorf("new recorder %q: %w", cfg.Name, err)
	}
	r.release = log.TakeOver(bucketName(cfg.Name), r.taken)
	if err := r.begin(log.Origin()); err != nil {
		r.release()
		return nil, fmt.Errorf("new recorder %q: %w", cfg.Name, errors.Join(err, r.closeFiles()))
	}
	if cfg.Known != nil {
		r.stats.UnknownKinds = r.filter.warnUnknown(cfg.Logger, cfg.Known)
	}
	return r, nil
}

// begin finds out what the run before this one has left, and says in the log that this one has begun.
//
// A crash before the commit leaves a count file that nothing names, which the next New removes; a crash
// after it leaves those of the run before.
func (r *Recorder) begin(origin string) error {
	old, err := r.oldState()
	if err != nil {
		return err
	}
	before, err := r.remains(old, origin)
	if err != nil {
		return err
	}
	r.number, r.settled = before.number, old.Settled
	lost := before.gaps(old, r.cfg.Name)
	err = r.update(context.Background(), func(tx *eventlog.Tx) error {
		for i := range lost {
			if _, err := gap.AppendTx(tx, lost[i]); err != nil {
				return err
			}
		}
		s := before.next(old)
		s.Session, s.Open, s.AtRisk, s.Boot = r.session, true, r.cfg.atRisk(), bootID()
		s.settle(s.Settled, tx.Now())
		r.settled = s.Settled
		return s.write(tx, r.cfg.Name)
	})
	if err != nil {
		return err
	}
	r.tell(lost)
	if r.spill != nil {
		r.stats.Recovered = r.spill.waiting.events()
		r.signal()
		if err := r.spill.files.sweep(r.session, r.spill); err != nil {
			r.cfg.Logger.Warn("files of an earlier run could not be removed", "recorder", r.cfg.Name, "err", err)
		}
	}
	return nil
}

var errLook = errors.New("nothing is to be kept")

// oldState returns what the run before this one has left in the log.
func (r *Recorder) oldState() (s state, err error) {
	err = r.update(context.Background(), func(tx *eventlog.Tx) (err error) {
		if s, err = readState(tx, r.cfg.Name); err != nil {
			return err
		}
		return errLook
	})
	if errors.Is(err, errLook) {
		err = nil
	}
	return s, err
}

// remains is what the run before has left beside its state.
type remains struct {
	number  uint64    // of the last event that was recorded, or may have been
	exact   bool      // it was
	at      time.Time // of that event; zero when it is not known
	spilled spans     // what is in the spill
	broken  []uint64  // the numbers behind which a spill file ends damaged
}

// remains opens the folder, if there is one, and begins a count there.
func (r *Recorder) remains(old state, origin string) (remains, error) {
	before := remains{number: old.Settled, exact: !old.Open}
	if r.cfg.Dir == "" {
		before.bound(old)
		return before, nil
	}
	if err := os.MkdirAll(r.cfg.Dir, 0o700); err != nil {
		return before, err
	}
	f := &files{dir: r.cfg.Dir, name: r.cfg.Name}
	var err error
	if r.spill, err = openSpill(f, spillHeader(origin), r.cfg.SpillBytes, old.Settled); err != nil {
		return before, err
	}
	before.spilled, before.broken = r.spill.numbers(), r.spill.broken
	c, ok := readCount(f.count(old.Session))
	if ok && old.Open && (c.final || old.Boot != "" && old.Boot == bootID()) {
		before.number, before.at, before.exact = max(c.number, old.Settled), c.at, true
	}
	before.bound(old)
	r.count, err = createCount(f.count(r.session), before.number)
	return before, err
}

// bound sets the number where no count says it.
func (b *remains) bound(old state) {
	b.number = max(b.number, old.Told.last(), b.spilled.last())
	if !b.exact {
		b.number += old.AtRisk
	}
}

// lost returns the numbers that are neither entries nor in the spill nor named by a gap.
func (b *remains) lost(old state) (lost spans) {
	if b.number <= old.Settled {
		return nil
	}
	for _, x := range (span{old.Settled + 1, b.number}).without(b.spilled) {
		lost = append(lost, x.without(old.Told)...)
	}
	return lost
}

// gaps returns what is to be said of the events that are lost.
func (b *remains) gaps(old state, name string) (gaps []gap.Gap) {
	for _, x := range b.lost(old) {
		g := gap.Gap{Source: name, Reason: reasonEnded, From: old.Since, Until: b.at}
		g.AddRange(x.First, x.Last)
		switch {
		case !b.exact && x.Last == b.number:
			g.AtMost, g.Reason = true, reasonPower
		case slices.Contains(b.broken, x.First-1):
			g.Reason = reasonDamaged
		}
		if g.Until.Before(g.From) {
			g.Until = g.From
		}
		gaps = append(gaps, g)
	}
	return gaps
}

// next returns the state with which the next run begins.
func (b *remains) next(old state) state {
	s := old
	s.Told = append(slices.Clone(old.Told), b.lost(old)...)
	slices.SortFunc(s.Told, func(x, y span) int { return cmp.Compare(x.First, y.First) })
	if len(b.spilled) == 0 {
		s.Settled = b.number
	}
	return s
}

// tell logs what is lost and counts it.
func (r *Recorder) tell(lost []gap.Gap) {
	for i := range lost {
		r.stats.Lost += lost[i].Count
		r.stats.LostAtMost = r.stats.LostAtMost || lost[i].AtMost
		r.cfg.Logger.Warn("events were lost", "recorder", r.cfg.Name, "events", lost[i].Count, "atMost", lost[i].AtMost,
			"first", lost[i].First, "last", lost[i].Last, "reason", lost[i].Reason)
	}
}

// closeFiles closes what is open in the folder.
func (r *Recorder) closeFiles() (err error) {
	if r.spill != nil {
		err = r.spill.close()
	}
	if r.count != nil {
		err = errors.Join(err, r.count.f.Close())
	}
	return err
}
