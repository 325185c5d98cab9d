package transition

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
)

// catchUpMost bounds the entries that one transaction of a catch-up looks at: some ten milliseconds,
// in which nobody else writes.
const catchUpMost = 1 << 14

// A projection is what the log says of each subject, kept beside it under [Kind], as far as its cursor
// says:
//
//	0 ‖ subject → the last transition of the subject among the entries below the cursor
//	1 ‖ subject → the last one that this node appended at or above the cursor, where that was needed
//
// What this node appends arrives like everything else: it is read with what is next caught up with.
// Until then, in the transaction that appends it, it can only be known from the second record.
type projection struct {
	records
	tx     *eventlog.Tx
	bucket *eventlog.Bucket
}

// records are what the projection has, for reading.
type records struct{ bucket *eventlog.ReadBucket }

const (
	arrivedRecord  = 0
	appendedRecord = 1
)

// last is the last transition of a subject:
//
//	rank (8) ‖ author (32) ‖ seq (8) ‖ op id (32) ‖ stage
type last struct {
	rank  rank
	after After // names it; zero when there is none
	stage string
}

const lastSize = 8 + 32 + 8 + 32

var errProjection = errors.New("the projection of transitions cannot be read")

func openProjection(tx *eventlog.Tx) projection {
	b := tx.Bucket(Kind)
	return projection{records: records{&b.ReadBucket}, tx: tx, bucket: b}
}

// catchUp takes in what has arrived since the cursor, at most that many entries, and reports whether
// that was all.
func (p projection) catchUp(most int) (done bool, err error) {
	from, _ := p.tx.Cursor(Kind)
	cursor, checked := from, make(authors)
	for e, err := range p.tx.Arrivals(from) {
		if err != nil {
			return false, fmt.Errorf("catch up with transitions: %w", err)
		}
		if cursor-from >= uint64(most) {
			return false, p.tx.SetCursor(Kind, cursor)
		}
		cursor = e.Offset + 1
		if e.Kind != Kind {
			continue
		}
		if err := p.take(parse(e, checked)); err != nil {
			return false, err
		}
	}
	if cursor == from {
		return true, nil
	}
	return true, p.tx.SetCursor(Kind, cursor)
}

// take takes in a transition that has arrived. A malformed one moves nothing.
func (p projection) take(t Transition) error {
	if t.Malformed != nil {
		return nil
	}
	if p.tx.Own(t.Entry.Author) {
		if err := p.bucket.Delete(recordKey(appendedRecord, t.Subject)); err != nil {
			return err
		}
	}
	was, err := p.get(arrivedRecord, t.Subject)
	if err != nil {
		return err
	}
	if now := was.or(t); now != was {
		return p.put(arrivedRecord, t.Subject, now)
	}
	return nil
}

// or returns the later of l and t, a transition of the same subject that is not malformed.
func (l last) or(t Transition) last {
	now := last{rank: rankOf(t, 0), after: t.Place(), stage: t.To}
	if t.After == l.after {
		now.rank = rankOf(t, l.rank)
	}
	if !l.after.IsZero() && l.compare(now) >= 0 {
		return l
	}
	return now
}

// compare is the order of a history by what a record holds.
func (l last) compare(o last) int { return compareRanked(l.rank, l.after, o.rank, o.after) }

// last returns the last transition of a subject.
func (r records) last(subject string) (last, error) {
	l, err := r.get(appendedRecord, subject)
	if err == nil && l.after.IsZero() {
		return r.get(arrivedRecord, subject)
	}
	return l, err
}

func (r records) get(record byte, subject string) (last, error) {
	b := r.bucket.Get(recordKey(record, subject))
	if b == nil {
		return last{}, nil
	}
	if len(b) < lastSize {
		return last{}, fmt.Errorf("%w: %d bytes for subject %q", errProjection, len(b), clip.Text(subject))
	}
	return last{
		rank:  rank(binary.BigEndian.Uint64(b)),
		after: After{Author: crdt.Author(b[8:]), Seq: binary.BigEndian.Uint64(b[40:]), Op: crdt.OpID(b[48:])},
		stage: string(b[lastSize:]),
	}, nil
}

func (p projection) put(record byte, subject string, l last) error {
	return p.bucket.Put(recordKey(record, subject), l.encode())
}

// encode returns the bytes that get reads.
func (l last) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, lastSize+len(l.stage)), uint64(l.rank))
	b = append(b, l.after.Author[:]...)
	b = binary.BigEndian.AppendUint64(b, l.after.Seq)
	b = append(b, l.after.Op[:]...)
	return append(b, l.stage...)
}

func recordKey(record byte, subject string) []byte {
	return append([]byte{record}, subject...)
}
