package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/retention"
)

const (
	// sweepOps bounds the ops that one transaction of a trim changes. On a full disk it is less, since a
	// transaction writes the pages that it changes before it frees them.
	sweepOps = 512
	// trimLook bounds the ops that one transaction of a trim looks at.
	trimLook = 1 << 13
	// trimNote is after how many entries that need no trimming it is put on record how far a trim has come in a feed.
	trimNote = 1 << 12
)

// Trim forgets what the policy lets go: the bodies of trimmable entries that are old enough and far enough
// from the end of their feed, and all below the floors that authors have signed. It keeps what a holder
// still needs, unless the holder is too far behind, and it keeps all bodies while our wall clock disagrees
// with those of others ([Log.SetClockOff]). Offsets and seqs are never given again. Headers of trimmed
// entries stay, so that what is left can be verified. A feed with a fork is trimmed, not pruned.
//
// Trim works in transactions that each change at most 512 ops, fewer on a full disk; others write in between. It may
// be called at any time, and by several at once. The next call goes on where an error or ctx has ended one. A feed of which
// something cannot be read ends there, for this call: the other feeds are trimmed before that is its error. What cannot
// be read below a floor is forgotten, and told of in the report, once it was known before and, by [Config].Receipts, no
// other node keeps it.
func (l *Log) Trim(ctx context.Context, o TrimOptions) (TrimReport, error) {
	var report TrimReport
	policy := l.store.cfg.Trim
	if o.Policy != nil {
		if err := o.Policy.Validate(); err != nil {
			return report, err
		}
		policy = o.Policy.WithDefaults()
	}
	report.ClockOff = l.ClockOff()
	held, err := l.store.holders(o.Holds, policy.MaxHold)
	if err != nil {
		return report, fmt.Errorf("trim: %w", err)
	}
	l.store.mu.RLock()
	authors := slices.SortedFunc(maps.Keys(l.store.state.Feeds), crdt.Author.Compare)
	l.store.mu.RUnlock()
	f := forgetting{store: l.store, elsewhere: l.elsewhere, policy: policy, holders: held, report: &report, most: sweepOps}
	var damage error // the first
	for _, a := range authors {
		err := f.feed(ctx, a)
		if err != nil {
			err = fmt.Errorf("trim feed %s: %w", a.Short(), err)
		}
		if _, damaged := asDamaged(err); err != nil && !damaged {
			return report, err
		}
		damage = cmp.Or(damage, err)
	}
	l.store.mu.Lock()
	l.store.cfg.bounds(l.store.author).Roomier(&l.store.state, &l.store.turned)
	l.store.mu.Unlock()
	report.Held = held.Report()
	return report, damage
}

// forgetting is one call of Trim.
type forgetting struct {
	store     *store
	elsewhere *elsewhere.Ledger
	policy    TrimPolicy
	holders   *retention.Holders
	report    *TrimReport
	most      int // of ops that one transaction changes
}

// feed forgets what may be forgotten of one feed.
func (f *forgetting) feed(ctx context.Context, a crdt.Author) error {
	f.store.mu.RLock()
	state := f.store.state.Feeds[a] // never changed: replaced
	f.store.mu.RUnlock()
	if !f.policy.KeepPruned && state.Feed.Forgettable() > state.Feed.First() {
		p := &pruning{forgetting: f, author: a, lost: f.store.holes.Any(a) && f.elsewhere.Forgotten(ctx, a)}
		if err := f.sweeps(ctx, a, p, &f.report.Pruned); err != nil {
			return err
		}
	}
	next := state.Feed.Next()
	if f.policy.KeepBodies || f.report.ClockOff != 0 || state.TrimmedTo >= next-min(f.policy.MinCount, next) {
		return nil // most feeds are no longer than what stays of each
	}
	return f.sweeps(ctx, a, &trimming{forgetting: f, author: a}, &f.report.Trimmed)
}

// way is one of the two in which a feed is forgotten: trimming and pruning.
type way interface {
	// find looks for ops to forget, in one transaction.
	find(tx *readTx, f *found) error
	// forget forgets some that were found, and counts them.
	forget(tx *writeTx, keys []crdt.Key, count *Forgotten) error
}

// found is what one transaction has found to forget of a feed.
type found struct {
	keys []crdt.Key
	from crdt.Key // where the next one goes on
	more bool
	// trimmedTo is the seq below which nothing is left to trim.
	trimmedTo uint64
}

// sweeps looks for ops of a feed and forgets them, in one sweep after the other.
func (f *forgetting) sweeps(ctx context.Context, a crdt.Author, w way, count *Forgotten) error {
	for found := (found{more: true}); found.more; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		found.keys, found.more = found.keys[:0], false
		before := found
		if err := f.store.view(func(tx *readTx) error { return w.find(tx, &found) }); err != nil {
			return err
		}
		if len(found.keys) == 0 && found.trimmedTo < f.trimmedTo(a)+trimNote {
			continue
		}
		done, err := f.sweep(ctx, a, w, &found)
		if n := len(found.keys); n > 1 && disk.NoRoom(err) {
			f.most, found, found.more = n/2, before, true
			continue
		}
		if err != nil {
			return err
		}
		for _, h := range done.Lost {
			f.store.logger.Warn("what could not be read is forgotten, by its author's leave", "author", a, "from", h.From, "upto", h.Upto)
		}
		count.Add(done)
	}
	return nil
}

// sweep forgets what was found, in one transaction.
func (f *forgetting) sweep(ctx context.Context, a crdt.Author, w way, found *found) (done Forgotten, err error) {
	if err := f.store.sweeping.Take(ctx); err != nil {
		return done, err
	}
	defer f.store.sweeping.Leave()
	err = f.store.exclusively(ctx, func(tx *writeTx) error {
		if err := tx.beginSweep(); err != nil {
			return err
		}
		state := tx.edit(a)
		state.TrimmedTo = max(state.TrimmedTo, found.trimmedTo)
		return w.forget(tx, found.keys, &done)
	})
	return done, err
}

// trimmedTo returns the seq below which nothing of a feed is left to trim.
func (f *forgetting) trimmedTo(a crdt.Author) uint64 {
	f.store.mu.RLock()
	defer f.store.mu.RUnlock()
	if state := f.store.state.Feeds[a]; state != nil {
		return state.TrimmedTo
	}
	return 0
}

// TrimPolicy returns the log's policy with its defaults filled in, in the form that [Config] takes.
func (l *Log) TrimPolicy() TrimPolicy {
	p := l.store.cfg.Trim
	p.MinAge = cmp.Or(p.MinAge, -1)
	p.MinCount = cmp.Or(p.MinCount, NoCount)
	return p
}

// Holders returns who may keep back a trim, the log's followers and the given others, the one furthest behind first.
func (l *Log) Holders(others []Hold) ([]Holder, error) {
	h, err := l.store.holders(others, l.store.cfg.Trim.MaxHold)
	if err != nil {
		return nil, err
	}
	return h.All(), nil
}

// holders returns those who may keep back a trim that begins now.
func (s *store) holders(others []Hold, most uint64) (h *retention.Holders, err error) {
	err = s.view(func(tx *readTx) error {
		followers, err := tx.holds()
		others, prunes := others, []Hold(nil)
		for _, f := range followers {
			if strings.HasPrefix(f.Name, crdt.ReservedPrefix) {
				prunes = append(prunes, f)
			} else {
				others = append(others[:len(others):len(others)], f)
			}
		}
		bound := retention.Bound{Next: tx.next, Now: s.cfg.Now(), Most: most}
		h = retention.NewHolders(slices.Concat(others, s.backups.At(bound.Now)), prunes, bound)
		return err
	})
	return h, err
}

// holds returns what each follower that holds back trims has not handled, its cursor or the first entry
// that it has parked, in order of name.
func (tx *readTx) holds() (all []Hold, err error) {
	c := tx.Tree(bucketFollowers).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		name := string(k)
		f, _ := decodeFollower(name, v) // a damaged one may be at the beginning
		if f.record.Loose {
			continue
		}
		h := Hold{Name: name, Offset: f.cursor, Until: f.record.Until, Upto: f.record.Upto}
		if t := tx.parked(name); t != nil {
			k, _ := t.Cursor().First()
			if first, err := record.ParseOffset(k); err == nil {
				h.Offset = min(h.Offset, first)
			}
		}
		all = append(all, h)
	}
	return all, nil
}
