package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// repairing is a repair of a log.
type repairing struct {
	log  *eventlog.Log
	tell func(api.Progress)
	// sync syncs with the node at an address; mend, where it is not nil, has those asked that are linked.
	sync func(ctx context.Context, addr string) (api.Synced, error)
	mend func(ctx context.Context) error
}

// Repair verifies the log, asks the nodes that are linked and those that are named for what is damaged or missing, and
// verifies again.
func (n *Node) Repair(ctx context.Context, req api.RepairRequest, tell func(api.Progress)) (api.Repaired, error) {
	r := repairing{log: n.log, tell: tell, sync: n.Sync, mend: n.gossip.Mend}
	repaired, err := r.run(ctx, req, nil)
	repaired.Daemon = true
	return repaired, err
}

// Repair is [Node.Repair] for a node that is no member while it runs. It asks the nodes that are named, or, where none is,
// those that quipu.yaml and earlier runs know, until there is nothing left to ask for.
func (d dialer) Repair(ctx context.Context, req api.RepairRequest, tell func(api.Progress)) (api.Repaired, error) {
	var known []string
	if len(req.Join) == 0 {
		known = slices.Clone(d.join)
		peers, err := d.folder.ReadPeers(time.Now())
		if err != nil {
			d.access.Logger.Warn("the peers of earlier runs cannot be read", "err", err)
		}
		for _, p := range peers {
			known = append(known, p.Addrs...)
		}
	}
	r := repairing{log: d.log, tell: tell, sync: d.Sync}
	return r.run(ctx, req, known)
}

// run repairs the log: it asks all the nodes that are named, and of those known as many as it takes.
func (r *repairing) run(ctx context.Context, req api.RepairRequest, known []string) (api.Repaired, error) {
	repaired := api.Repaired{Fetched: []api.Hole{}, Left: []api.Hole{}, Asked: []api.Asked{}}
	report, err := r.verify(ctx)
	if err != nil {
		return repaired, err
	}
	before, err := r.lacking(ctx, req.Lacking)
	if err != nil {
		return repaired, err
	}
	// Little is put back into a file that is damaged. Where no daemon has it, it is made anew first.
	anew := r.mend == nil && !req.Salvaged && ofFile(report)
	if !anew && (len(before) > 0 || len(req.Join) > 0 || r.ending()) {
		if repaired.Asked, err = r.ask(ctx, before, req.Join, known); err != nil {
			return repaired, err
		}
		if report, err = r.verify(ctx); err != nil {
			return repaired, err
		}
	}
	left, err := r.lacking(ctx, req.Lacking)
	if err != nil {
		return repaired, err
	}
	for _, h := range left {
		repaired.Left = append(repaired.Left, holeOf(h.Author, h.From, h.Upto))
	}
	repaired.LeftMore = r.log.Meters().MoreHoles
	repaired.Fetched = append(repaired.Fetched, without(before, left)...)
	repaired.OK, repaired.Entries, repaired.More = report.OK() && len(left) == 0, report.Entries, report.More
	for _, p := range report.Problems {
		repaired.Problems = append(repaired.Problems, p.String())
	}
	// What is kept of a follower is nobody's to make up: who runs it resets or removes it.
	ofFeeds := slices.ContainsFunc(report.Problems, func(p eventlog.Problem) bool { return !p.Author.IsZero() })
	repaired.Salvage = ofFile(report) || ofFeeds && len(left) == 0
	return repaired, nil
}

// ofFile reports whether something is wrong with more than the feeds.
func ofFile(report eventlog.Report) bool {
	return slices.ContainsFunc(report.Problems, func(p eventlog.Problem) bool { return p.Author.IsZero() && p.Follower == "" })
}

// lacking returns what is missing of feeds, in order: the holes of the log, and what it does not know of any more beyond the
// ends of feeds, since a salvage has not found it or the end of the node's own feed cannot be read.
func (r *repairing) lacking(ctx context.Context, salvage []api.Hole) ([]crdt.Span, error) {
	if _, err := r.log.Damaged(ctx); err != nil {
		return nil, err
	}
	r.log.DamagedFurther(nil) // what is left of the first ones shows which of them came back
	holes, err := r.log.Damaged(ctx)
	if err != nil {
		return nil, err
	}
	held := r.log.Frontier()
	beyond := func(h crdt.Span) {
		for _, head := range held[h.Author] {
			h.From = max(h.From, head.Next)
		}
		named := func(b crdt.Span) bool { return b.Author == h.Author && b.From <= h.From && h.Upto <= b.Upto }
		if h.From < h.Upto && !slices.ContainsFunc(holes, named) {
			holes = append(holes, h)
		}
	}
	if state := r.log.Recovering(); state != nil && !state.Why.Soft() {
		beyond(crdt.Span{Author: r.log.Author(), Upto: state.Own.Next})
	}
	for _, h := range salvage {
		beyond(crdt.Span{Author: h.From.Author, From: h.From.Seq, Upto: h.From.Seq + h.Entries})
	}
	slices.SortFunc(holes, func(a, b crdt.Span) int { return cmp.Or(a.Author.Compare(b.Author), cmp.Compare(a.From, b.From)) })
	return holes, nil
}

// ending reports whether the end of the node's own feed is not known for a reason that others have to end.
func (r *repairing) ending() bool {
	state := r.log.Recovering()
	return state != nil && !state.Why.Soft()
}

// verify verifies the log.
func (r *repairing) verify(ctx context.Context) (eventlog.Report, error) {
	return r.log.VerifyWith(ctx, eventlog.VerifyOptions{Progress: func(done, total uint64, unit string) {
		r.tell(api.Progress{Done: done, Total: total, Unit: unit})
	}})
}

// ask asks others for holes.
func (r *repairing) ask(ctx context.Context, before []crdt.Span, named, known []string) (asked []api.Asked, err error) {
	defer r.telling(ctx, before)()
	asked = []api.Asked{}
	for i, addr := range slices.Concat(named, known) {
		if left, err := r.log.Damaged(ctx); err != nil || i >= len(named) && len(left) == 0 && !r.ending() {
			return asked, err
		}
		one := api.Asked{Addr: addr}
		synced, err := r.sync(ctx, addr)
		if one.Received = synced.Received; err != nil {
			one.Error = err.Error()
		}
		if asked = append(asked, one); ctx.Err() != nil {
			return asked, context.Cause(ctx)
		}
	}
	if r.mend != nil {
		err = r.mend(ctx)
	}
	return asked, err
}

// telling says again and again how much of the holes has come back, until end is called.
func (r *repairing) telling(ctx context.Context, before []crdt.Span) (end func()) {
	total := entriesIn(before)
	return api.Telling(func() bool {
		left, err := r.log.Damaged(ctx)
		if err == nil && !r.log.Meters().MoreHoles { // which the asking meets, too
			r.tell(api.Progress{Done: total - min(total, entriesIn(left)), Total: total, Unit: "damaged entries"})
		}
		return true
	})
}

func entriesIn(holes []crdt.Span) (n uint64) {
	for _, h := range holes {
		n += h.Upto - h.From
	}
	return n
}

func holeOf(a crdt.Author, from, upto uint64) api.Hole {
	return api.Hole{From: crdt.Place{Author: a, Seq: from}, Entries: upto - from}
}

// without returns what of the holes before is in none of those left. Holes of one feed that overlap are of branches.
func without(before, left []crdt.Span) (gone []api.Hole) {
	for _, h := range before {
		from := h.From
		for _, l := range left { // which are ascending
			if l.Author != h.Author || l.Upto <= from || l.From >= h.Upto {
				continue
			}
			if l.From > from {
				gone = append(gone, holeOf(h.Author, from, l.From))
			}
			from = max(from, l.Upto)
		}
		if from < h.Upto {
			gone = append(gone, holeOf(h.Author, from, h.Upto))
		}
	}
	return gone
}

// Salvage makes a new file of the log in dir out of what can still be read of a damaged one, which stays beside it: see
// [eventlog.Salvage]. No daemon may run. Told hears how far it is.
func Salvage(ctx context.Context, dir string, access Access, told func(api.Progress)) (api.Salvaged, error) {
	f := folder.Folder(dir)
	access.Logger = cmp.Or(access.Logger, slog.New(slog.DiscardHandler))
	file, err := readConfig(f)
	if err != nil {
		return api.Salvaged{}, err
	}
	access.Passphrase.File = cmp.Or(access.Passphrase.File, file.KeyPassphraseFile)
	key, err := f.OpenKey(access.Passphrase)
	if err != nil {
		return api.Salvaged{}, err
	}
	cfg, err := openingOf(file, access.Passphrase).config(f, key, access.Logger)
	if err != nil {
		return api.Salvaged{}, err
	}
	report, err := eventlog.Salvage(ctx, dir, cfg, func(done, total uint64) {
		told(api.Progress{Done: done, Total: total, Unit: api.Bytes})
	})
	if errors.Is(err, eventlog.ErrNothingLeft) {
		err = fmt.Errorf("%w: keep it, and have all from the other nodes: \"quipu init --dir NEW --log %s --key %s\" and start that", err, file.Log, f.Key())
	}
	if err != nil {
		return api.Salvaged{}, fmt.Errorf("repair: %w", inUse(f, err))
	}
	s := api.Salvaged{Damaged: report.Damaged, Ops: report.Ops, Entries: report.Entries, More: report.More, Lost: report.Lost}
	if !report.Current {
		s.Lost = append(s.Lost, "the root of the last commit: what was written by it is known only as far as its ops were found")
	}
	for _, h := range report.Holes {
		s.Lacking = append(s.Lacking, holeOf(h.Author, h.From, h.To))
	}
	return s, nil
}
