package eventlog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// ErrNotRecovering is returned by [Log.Recover] when there is nothing to recover from.
var ErrNotRecovering = errors.New("this node knows the end of its own feed")

// ErrMoved is returned by [Log.Recover] when our feed does not end where the caller says.
var ErrMoved = errors.New("more of our own feed has come")

// RecoverKind is the kind of the entry that says from where on a feed was taken up again, and on whose word:
//
//	{"why":"older","from":{"next":10,"op":"…"},"end":{"next":25,"op":"…"},"asked":["…"],"missing":["…"]}
//
// from is where the feed ended in the folder that was too old; it has no op where the folder held nothing
// of the feed. end is where the feed was taken up: the entry itself stands there.
const RecoverKind = "quipu.recover"

// whyOlder is why a feed was taken up again: one of our own ops came back beyond our head.
const whyOlder = "older"

// maxAsked bounds the members that an entry names of those that were asked, and of the others.
const maxAsked = 4096

// Recovery says how our own feed is taken up again.
type Recovery struct {
	// End is where our feed ends at all who were asked.
	End crdt.Head
	// Asked are the nodes that hold our feed up to End and no more, Missing those that could not be asked.
	Asked, Missing []crdt.Author
}

// Recovered is what [Log.Recover] did.
type Recovered struct {
	// Place is that of the entry of kind [RecoverKind]: at the end of what came back.
	Place crdt.Place
	// From is where our feed ended before.
	From crdt.Head
}

// Recovering says since which op the log waits for [Log.Recover]; nil when it does not.
func (l *Log) Recovering() *RecoveringError {
	l.store.mu.RLock()
	defer l.store.mu.RUnlock()
	return l.store.recovering
}

// Recover ends the state of [ErrRecovering]: it takes our feed up at r.End, puts that on record in an entry
// of kind [RecoverKind], and appends go on behind. The caller makes sure that no other process writes with
// our key, and that nobody has more of our feed.
//
// Recover returns [ErrNotRecovering], [ErrMoved] when our feed does not end at r.End, [ErrSecondWriter] when it has
// forked, and the errors of [Log.Append]. A crash leaves the state as it was, or ended and on record.
func (l *Log) Recover(ctx context.Context, r Recovery) (done Recovered, err error) {
	err = l.store.exclusively(ctx, func(tx *writeTx) error {
		done, err = tx.recover(r)
		return err
	})
	if err != nil {
		return Recovered{}, fmt.Errorf("recover: %w", err)
	}
	return done, nil
}

func (tx *writeTx) recover(r Recovery) (Recovered, error) {
	why := tx.store.appendable()
	state, recovering := errors.AsType[*RecoveringError](why)
	switch end, _, _ := ownHead(tx.feedState(tx.store.author).Feed); {
	case why == nil:
		return Recovered{}, ErrNotRecovering
	case !recovering:
		return Recovered{}, why
	case end != r.End:
		return Recovered{}, fmt.Errorf("%w: it ends before %d, not before %d", ErrMoved, end.Next, r.End.Next)
	}
	meta := tx.Tree(bucketMeta)
	for _, key := range [][]byte{metaRecovering, metaOwnEnd} {
		if err := meta.Remove(key); err != nil {
			return Recovered{}, fmt.Errorf("forget that the folder was older: %w", err)
		}
	}
	tx.recovered = true
	payload, err := r.payload(state.Own)
	if err != nil {
		return Recovered{}, err
	}
	draft, err := tx.store.draft(crdt.Event{Kind: RecoverKind, Payload: payload})
	if err != nil {
		return Recovered{}, err
	}
	place, err := tx.append(&draft)
	return Recovered{Place: place, From: state.Own}, err
}

// payload returns the payload of the entry that says how a feed that had ended at own is taken up.
func (r Recovery) payload(own crdt.Head) ([]byte, error) {
	type head struct {
		Next uint64     `json:"next"`
		Op   *crdt.OpID `json:"op,omitempty"`
	}
	from, end := head{Next: own.Next}, head{Next: r.End.Next, Op: &r.End.ID}
	if own.Next > 0 {
		from.Op = &own.ID
	}
	return json.Marshal(struct {
		Why     string        `json:"why"`
		From    head          `json:"from"`
		End     head          `json:"end"`
		Asked   []crdt.Author `json:"asked,omitempty"`
		Missing []crdt.Author `json:"missing,omitempty"`
	}{whyOlder, from, end, r.Asked[:min(len(r.Asked), maxAsked)], r.Missing[:min(len(r.Missing), maxAsked)]})
}

// notWritten puts on record that op, which is signed with our key, was not written here, and where our own writing
// ended. What contradicts our feed is that of a second writer; what only lies beyond its end shows that the folder is
// older than the feed. The record stays: a restart makes neither two writers one nor the folder younger.
func (tx *writeTx) notWritten(op crdt.Signed, contradicts bool) error {
	// The store's own are changed by whoever leads, who needs no lock to read them.
	if tx.second != nil || tx.store.secondOp != nil {
		return nil
	}
	older := cmp.Or(tx.older, tx.store.recovering)
	key := metaRecovering
	switch {
	case contradicts:
		key, tx.second = metaSecondWriter, &op
	case older != nil:
		return nil
	default:
		tx.older = &RecoveringError{Op: op}
	}
	meta := tx.Tree(bucketMeta)
	if err := meta.Put(key, op.Bytes()); err != nil {
		return fmt.Errorf("record an op that was not written here: %w", err)
	}
	end, _, _ := ownHead(tx.feedState(op.Author).Feed)
	if older != nil || end == (crdt.Head{}) {
		return nil // the record is there, or there is nothing to record
	}
	// Until now all of the feed was written here, or taken up by [Log.Recover].
	if tx.older != nil {
		tx.older.Own = end
	}
	b := record.OpKey(crdt.Key{First: end.Next, ID: end.ID})
	if err := meta.Put(metaOwnEnd, b[:]); err != nil {
		return fmt.Errorf("record the end of our own writing: %w", err)
	}
	return nil
}

// readNotWritten reads the records of ops with our key that were not written here.
func (s *store) readNotWritten(tx *readTx) error {
	record := func(key []byte) (*crdt.Signed, error) {
		b := tx.Tree(bucketMeta).Get(key)
		if b == nil {
			return nil, nil
		}
		op, err := crdt.ParseSigned(append([]byte(nil), b...))
		if err != nil {
			return nil, &DamagedError{What: fmt.Sprintf("the record %q", key), Err: err}
		}
		return &op, nil
	}
	second, err := record(metaSecondWriter)
	if err != nil {
		return err
	}
	older, err := record(metaRecovering)
	if err != nil {
		return err
	}
	s.secondOp, s.recovering = second, nil
	if older != nil {
		own, err := tx.ownEnd()
		if err != nil {
			return err
		}
		s.recovering = &RecoveringError{Own: own, Op: *older}
	}
	return nil
}

// ownEnd returns where our own writing ended, once an op has come that was not written here; the zero Head
// before that, and where nothing was written.
func (tx *readTx) ownEnd() (crdt.Head, error) {
	v := tx.Tree(bucketMeta).Get(metaOwnEnd)
	if v == nil {
		return crdt.Head{}, nil
	}
	end, err := record.ParseOpKey(v)
	if err != nil {
		return crdt.Head{}, &DamagedError{What: "the record of our own last op", Err: err}
	}
	return crdt.Head{Next: end.First, ID: end.ID}, nil
}
