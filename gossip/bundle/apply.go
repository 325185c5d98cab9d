package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// Report says what became of a bundle.
type Report struct {
	Log     crdt.LogID  `json:"log"`
	Author  crdt.Author `json:"author"`  // whose node made it, by its own word
	Made    time.Time   `json:"made"`    // when it was made, by its maker's clock
	Authors int         `json:"authors"` // how many there are of whom something was new
	Ops     uint64      `json:"ops"`     // how many ops were new
	Entries uint64      `json:"entries"` // how many entries were new
	// Duplicates is how many ops were held already.
	Duplicates uint64 `json:"duplicates"`
	// Forked are the authors of whom the bundle brought a branch.
	Forked []crdt.Author `json:"forked,omitempty"`
	// Refused are the authors of whom something was not taken, and why, at most a thousand; MoreRefused
	// counts the others.
	Refused     []Refusal `json:"refused,omitempty"`
	MoreRefused int       `json:"moreRefused,omitempty"`
	// Lacks is what the bundle promises and the log does not hold now, at most a thousand; More counts
	// the others.
	Lacks []Lack `json:"lacks,omitempty"`
	More  int    `json:"more,omitempty"`
	// Early says that something is lacking because what comes before the bundle is: once that is
	// there, applying the bundle again brings it.
	Early bool `json:"early,omitempty"`
	Reading
}

// Refusal says why something of an author was not taken.
type Refusal struct {
	Author crdt.Author `json:"author"`
	Reason string      `json:"reason"` // why, in words
}

// OK reports whether the bundle was whole and the log holds all that it promises.
func (r *Report) OK() bool { return r.Whole && len(r.Lacks) == 0 && len(r.Refused) == 0 }

// Apply brings a bundle into a log. What is wrong with the bundle is in the report; the error is one of
// the stream, of the log or of ctx, [ErrNotBundle], one that wraps [ErrHead], or an [*OtherLogError]. What was
// applied before an error stays.
func Apply(ctx context.Context, log Target, r io.Reader) (Report, error) {
	b, err := open(r)
	if err != nil {
		return Report{}, fmt.Errorf("apply bundle: %w", err)
	}
	if b.head.Log != log.ID() {
		return Report{}, fmt.Errorf("apply bundle: %w", &OtherLogError{Bundle: b.head.Log, Log: log.ID()})
	}
	a := &applier{log: log, fates: make(map[crdt.Author]fate)}
	a.Log, a.Author, a.Made = b.head.Log, b.head.Author, b.head.Made
	if err := a.apply(ctx, b); err != nil {
		return a.Report, fmt.Errorf("apply bundle: %w", err)
	}
	return a.Report, nil
}

// applier applies one bundle.
type applier struct {
	Report
	log   Target
	runs  []crdt.Run // read and not applied yet
	bytes int        // of runs
	// fates is what is worth saying of an author, for at most [MaxHeads] of them.
	fates map[crdt.Author]fate
}

// fate is what became of an author's runs.
type fate struct {
	grown, forked, early bool
	refused              string
}

func (a *applier) apply(ctx context.Context, b *reader) error {
	if err := a.learnGenesis(b.head); err != nil {
		return err
	}
	var failed error
	for m := range b.runs() {
		if failed = a.take(ctx, m); failed != nil {
			break
		}
	}
	err := failed
	if err == nil {
		err = a.flush(ctx)
	}
	a.Reading = b.Reading
	a.tell()
	if err = errors.Join(err, b.err); err != nil {
		return err
	}
	return a.findLacks(ctx, b.head.Upto)
}

// learnGenesis makes the genesis known to a log that has only its hash.
func (a *applier) learnGenesis(h Head) error {
	if _, known := a.log.Genesis(); known || len(h.Genesis) == 0 {
		return nil
	}
	g, err := crdt.ParseGenesis(h.Genesis)
	if err != nil {
		return err
	}
	return a.log.SetGenesis(g)
}

// take adds a run to those that are applied together.
func (a *applier) take(ctx context.Context, m wire.Ops) error {
	if m.Newer != nil {
		a.note(m.Author, func(f *fate) { f.refused = m.Newer.Error() })
	}
	if len(m.Run.Ops) == 0 {
		return nil
	}
	a.runs = append(a.runs, m.Run)
	if a.bytes += m.Run.Size(); a.bytes < batch {
		return nil
	}
	return a.flush(ctx)
}

// flush applies the runs that were taken.
func (a *applier) flush(ctx context.Context) error {
	outcomes, err := a.log.Apply(ctx, a.runs)
	if err != nil {
		return err
	}
	a.runs, a.bytes = a.runs[:0], 0
	for _, o := range outcomes {
		a.Ops += uint64(o.Ops)
		a.Entries += uint64(o.Entries)
		a.Duplicates += uint64(o.Duplicates)
		a.note(o.Author, func(f *fate) {
			f.grown = f.grown || o.Ops > 0
			f.forked = f.forked || o.Forked
			f.early = f.early || o.Err == nil && o.Decision == crdt.Pending
			if o.Err != nil && f.refused == "" {
				f.refused = o.Err.Error()
			}
		})
	}
	return nil
}

func (a *applier) note(author crdt.Author, change func(*fate)) {
	f, known := a.fates[author]
	if known || len(a.fates) < MaxHeads {
		change(&f)
		a.fates[author] = f
	}
}

// tell puts the fates into the report.
func (a *applier) tell() {
	for author, f := range a.fates {
		if f.grown {
			a.Authors++
		}
		if f.forked {
			a.Forked = append(a.Forked, author)
		}
		if f.refused != "" {
			a.Refused = append(a.Refused, Refusal{Author: author, Reason: f.refused})
		}
	}
	slices.SortFunc(a.Forked, crdt.Author.Compare)
	slices.SortFunc(a.Refused, func(x, y Refusal) int { return x.Author.Compare(y.Author) })
	if n := len(a.Refused); n > maxLacks {
		a.Refused, a.MoreRefused = a.Refused[:maxLacks], n-maxLacks
	}
}

// findLacks names what the bundle promised and the log does not hold.
func (a *applier) findLacks(ctx context.Context, upto crdt.Frontier) error {
	for part := range parts(upto) {
		wants, err := a.log.Wants(ctx, part, 0)
		if err != nil {
			return err
		}
		for _, w := range wants {
			f := a.fates[w.Author]
			a.Early = a.Early || f.early
			if len(a.Lacks) == maxLacks {
				a.More++
				continue
			}
			heads := part[w.Author]
			a.Lacks = append(a.Lacks, Lack{
				Author: w.Author, Held: a.log.Feed(w.Author).Next(), Upto: heads[len(heads)-1].Next, Reason: a.reason(f),
			})
		}
	}
	return nil
}

// reason says why something of an author is lacking.
func (a *applier) reason(f fate) string {
	switch {
	case f.refused != "":
		return "refused: " + f.refused
	case f.early:
		return "what comes before it is not here"
	case a.Damage != "":
		return "lost with what is damaged"
	}
	return "not in the bundle"
}
