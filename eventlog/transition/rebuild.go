package transition

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// Rebuilt is what came of a [Rebuild].
type Rebuilt struct {
	rebuild.Result
	// Subjects is how many subjects there are, Hash that of what is kept of all of them: the same on every node for
	// the same range, in either order. Both are zero where an earlier call has finished the rebuild.
	Subjects int
	Hash     [sha256.Size]byte
}

// Rebuild makes the projection anew that [Stage] and [AppendTx] look into, from the transitions of a range, under the
// name [Kind]: see [rebuild.Run]. The one that is there serves until the new one takes its place. What is not of the
// range counts, too, once it is caught up with. Transitions that were pruned do not count any more; what was trimmed
// is none, so that the configuration's SkipTrimmed is set. It holds a few hundred bytes for each subject.
func Rebuild(ctx context.Context, log *eventlog.Log, cfg rebuild.Config) (Rebuilt, error) {
	cfg.SkipTrimmed, cfg.Version = true, rebuiltVersion
	r := &rebuilding{log: log, next: log.Stats().Next, whole: cfg.To == nil && cfg.Clock == 0}
	result, err := rebuild.Run(ctx, log, Kind, cfg, r)
	return Rebuilt{Result: result, Subjects: r.subjects, Hash: r.hash}, err
}

// rebuiltVersion is that of the state that a rebuilding stores:
//
//	0 ‖ subject → its track
//	1           → the offset below which all that had arrived is of the range, 0 where that is not known
const rebuiltVersion = 1

const (
	trackRecord  = 0
	offsetRecord = 1
)

// rebuilding is a rebuild of the projection.
type rebuilding struct {
	log   *eventlog.Log
	next  uint64 // the offset of the next arrival before the range was fixed
	whole bool   // the range is all that the log holds, if it begins now

	within  *within
	survey  survey
	checked authors
	dirty   map[string]struct{} // subjects whose tracks are not stored yet
	below   uint64              // all that has arrived below is of the range; 0 where that is not known

	lasts    map[string]last // of the subjects, once it is concluded
	subjects int
	hash     [sha256.Size]byte
}

func (r *rebuilding) New(ctx context.Context, span rebuild.Range) error {
	r.begin(span)
	if r.whole {
		r.below = r.next
	}
	return nil
}

func (r *rebuilding) begin(span rebuild.Range) {
	r.within = &within{log: r.log, bounds: Bounds{Frontier: span.To, Clock: span.Clock}}
	r.survey = survey{causal: r.within.causal, pruned: r.within.pruned, tracks: make(map[string]*track)}
	r.checked, r.dirty, r.below = make(authors), make(map[string]struct{}), 0
}

func (r *rebuilding) Load(state *eventlog.ReadBucket, version uint64, span rebuild.Range) error {
	if version != rebuiltVersion {
		return rebuild.ErrVersion
	}
	r.begin(span)
	for key, value := range state.Ascend(nil) {
		if key[0] == offsetRecord && len(value) == 8 {
			r.below = binary.BigEndian.Uint64(value)
			continue
		}
		t, err := readTrack(value)
		if err != nil {
			return fmt.Errorf("read what was kept of subject %q: %w", key[1:], err)
		}
		r.survey.tracks[string(key[1:])] = t
	}
	return nil
}

func (r *rebuilding) Apply(e *crdt.Entry) error {
	if e.Kind != Kind {
		return nil
	}
	if t := parse(eventlog.Entry{Entry: *e}, r.checked); t.Malformed == nil {
		r.survey.take(taken{Transition: t})
		if _, dirty := r.dirty[t.Subject]; !dirty {
			r.dirty[strings.Clone(t.Subject)] = struct{}{}
		}
	}
	return nil
}

func (r *rebuilding) Store(_ *eventlog.Tx, state *eventlog.Bucket) error {
	for subject := range r.dirty {
		if err := state.Put(recordKey(trackRecord, subject), r.survey.tracks[subject].encode()); err != nil {
			return err
		}
	}
	r.dirty = make(map[string]struct{})
	return state.Put([]byte{offsetRecord}, binary.BigEndian.AppendUint64(nil, r.below))
}

// Conclude reads the tangled subjects again and replays them, and finds out from where on the projection is to catch up
// with what is not of the range.
func (r *rebuilding) Conclude(ctx context.Context) (err error) {
	if r.within.cut, err = r.log.Cut(ctx, r.within.bounds.Frontier); err != nil {
		return err
	}
	r.lasts = make(map[string]last, len(r.survey.tracks))
	for name, t := range r.survey.tracks {
		if !t.tangled() && t.chain > 0 {
			r.lasts[name] = last{rank: t.rank, after: t.last, stage: t.stage}
		}
	}
	for s, err := range r.survey.tangled(ctx) {
		if err != nil {
			return err
		}
		step := &s.History[len(s.History)-1]
		r.lasts[s.Name] = last{rank: step.rank, after: step.Place(), stage: s.Stage}
	}
	if r.below > 0 {
		return nil
	}
	for e, err := range r.log.Entries(ctx, eventlog.Query{Order: eventlog.Arrival, GoOn: true}) {
		if err != nil {
			return err
		}
		if clock := r.within.bounds.Clock; !r.within.cut.Has(&e) || clock > 0 && e.Clock > clock {
			break
		}
		r.below = e.Offset + 1
	}
	return nil
}

// Finish puts the records in the place of those of the projection, and has it catch up from where they may lack
// something. What is taken in twice changes nothing.
func (r *rebuilding) Finish(tx *eventlog.Tx, _ *eventlog.Bucket) error {
	p := openProjection(tx)
	for key := range p.bucket.Ascend([]byte{arrivedRecord}) {
		if key[0] != arrivedRecord {
			break
		}
		if _, known := r.lasts[string(key[1:])]; !known {
			if err := p.bucket.Delete(key); err != nil {
				return err
			}
		}
	}
	sum := sha256.New()
	for _, subject := range slices.Sorted(maps.Keys(r.lasts)) {
		l := r.lasts[subject]
		if err := p.put(arrivedRecord, subject, l); err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d:%s%d:%s", len(subject), subject, len(l.encode()), l.encode())
	}
	r.subjects, r.hash = len(r.lasts), [sha256.Size]byte(sum.Sum(nil))
	if at, _ := tx.Cursor(Kind); at > r.below {
		return tx.SetCursor(Kind, r.below)
	}
	return nil
}

// trackForm is what is stored of a track, before its stage and what was seen: all that says where the subject is, and
// whether it is tangled.
type trackForm struct {
	Last, End         After
	Rank              rank
	Moves, Chain, Out uint64
	Pruned            bool
	Stage             uint16 // bytes of the stage; the rest is what was seen
}

func (t *track) encode() []byte {
	b, _ := binary.Append(nil, binary.BigEndian, trackForm{ // all of it has a fixed size
		Last: t.last, End: t.end, Rank: t.rank, Pruned: t.pruned, Stage: uint16(len(t.stage)),
		Moves: uint64(t.moves), Chain: uint64(t.chain), Out: uint64(t.out),
	})
	return append(append(b, t.stage...), t.seen...)
}

func readTrack(b []byte) (*track, error) {
	var f trackForm
	n, err := binary.Decode(b, binary.BigEndian, &f)
	if err != nil || len(b) < n+int(f.Stage) {
		return nil, fmt.Errorf("%w: %d bytes", errProjection, len(b))
	}
	stage, seen := b[n:n+int(f.Stage)], b[n+int(f.Stage):]
	return &track{
		last: f.Last, end: f.End, rank: f.Rank, pruned: f.Pruned, stage: string(stage), seen: string(seen),
		moves: int(f.Moves), chain: int(f.Chain), out: int(f.Out),
	}, nil
}
