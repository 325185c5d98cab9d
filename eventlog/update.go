package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/ids"
	"github.com/quipulog/quipu/eventlog/internal/meter"
	"github.com/quipulog/quipu/eventlog/internal/request"
)

// ErrName is returned for a name of a bucket or a follower that is empty or longer than 255 bytes.
var ErrName = errors.New("invalid name")

// Tx is a transaction of [Log.Update]: a [ReadTx] that can write, and shows what it has written. After an
// error of the file underneath Update returns that error and keeps nothing, even if the function went on.
type Tx struct {
	ReadTx
	w *writeTx
	// by is the follower whose handler has the transaction; empty in others.
	by string
	// refused is why the log took no event, if it did not: that is not the event's fault.
	refused error
}

// Update runs fn once (but see Config.WaitRecovering), and before it returns commits what fn appended and put into
// buckets, all or nothing. When fn returns an error or panics, nothing is kept, and Update returns the error or panics
// alike. Each Update has a transaction of its own, in the order of the calls. One that has appended nothing and left
// its buckets and cursors as they were costs no sync. To read only, use [Log.View], which keeps nobody waiting.
//
// fn runs in the caller's goroutine while nothing else can be written: it must not wait. Inside fn the
// methods of the log return [ErrInTx]: use tx. Another goroutine that fn waits for must not append either.
//
// ctx counts until it is this Update's turn. An error means that nothing was kept, save [ErrUncertain].
func (l *Log) Update(ctx context.Context, fn func(tx *Tx) error) error {
	var call meter.Update
	err := l.store.update(ctx, func(tx *Tx) error { return call.Ran(fn(tx), &tx.err, &tx.w.appended) })
	return l.store.meters.Updated(&call, err)
}

func (s *store) update(ctx context.Context, fn func(tx *Tx) error) error {
	return s.ours.alone(ctx, func() error { return s.runUpdate(fn) })
}

// runUpdate is Update once the caller leads.
func (s *store) runUpdate(fn func(tx *Tx) error) error {
	if err := s.writable(); err != nil {
		return err
	}
	w, err := s.beginWrite()
	if err != nil {
		return err
	}
	tx := &Tx{ReadTx: ReadTx{store: s, r: &w.readTx, now: w.now}, w: w}
	keep := false
	defer func() {
		if !keep {
			_ = w.Rollback()
		}
	}()
	if err := tx.call(func() error { return fn(tx) }); err != nil {
		return err
	}
	if err := s.locate(w.Do(w.finish)); err != nil {
		return err
	}
	keep = true
	return s.commit(w)
}

// Append appends an event. Its place is final if the Update succeeds. An event without a time gets that of the call.
func (tx *Tx) Append(e crdt.Event) (crdt.Place, error) {
	if e.Reserved() {
		return crdt.Place{}, fmt.Errorf("append event: %w: %q", ErrReserved, e.Kind)
	}
	return tx.AppendReserved(e)
}

// AppendReserved is Append for events of any kind. It is for the package that gives a reserved kind its
// meaning, once it has checked the event.
func (tx *Tx) AppendReserved(e crdt.Event) (place crdt.Place, err error) {
	if tx.by != "" {
		e.Headers = request.WithHeader(e.Headers, HeaderBy, tx.by)
	}
	draft, err := tx.store.draft(e)
	if err != nil {
		return crdt.Place{}, fmt.Errorf("append event: %w", err)
	}
	err = tx.do(func() error {
		id := ids.Of(&e)
		if !id.IsZero() {
			var is bool
			if place, is, err = tx.w.ids().Known(&id); is || err != nil {
				return err
			}
		}
		if place, err = tx.w.append(&draft); err != nil {
			tx.refused = err
		} else if !id.IsZero() {
			err = tx.w.ids().Put(&id, place)
		}
		return err
	})
	return place, err
}

// Known returns the place of the entry of this node's that bears the event's [HeaderID], and whether there is one, what this
// Update has appended included. It returns an [*IDReusedError] where that is another event.
func (tx *Tx) Known(e crdt.Event) (place crdt.Place, is bool, err error) {
	id := ids.Of(&e)
	if id.IsZero() {
		return place, false, nil
	}
	err = tx.do(func() error {
		place, is, err = tx.w.ids().Known(&id)
		return err
	})
	return place, is, err
}

// Seal ends the op that holds what was appended so far, and returns the end of our feed; the head's ID is
// that of the op with the last entry. Seal is for events that name an earlier entry of the same Update by
// its op. Without need it makes ops small.
func (tx *Tx) Seal() (head crdt.Head, err error) {
	err = tx.do(func() error {
		head, err = tx.w.seal()
		return err
	})
	return head, err
}

// SetCursor sets the durable place of a follower: the offset of the entry that the follower handles next. A
// [Log.Follow] of that name that waits goes on from there once something arrives. A record that is damaged begins anew.
func (tx *Tx) SetCursor(name string, offset uint64) error {
	if err := checkName(name); err != nil {
		return err
	}
	return tx.do(func() error {
		followers := tx.w.Tree(bucketFollowers)
		_, text, _ := follower.Open(name, followers.Get([]byte(name))) // of a new one, none
		return followers.Set([]byte(name), follower.Seal(name, offset, text))
	})
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%w: %q: expected 1 to %d bytes", ErrName, name, maxName)
	}
	return nil
}

// HeaderBy is the header that names the follower that has emitted an entry: it stands with everything that
// a handler of [Log.Follow] appends through its [Tx]. An event that already has the header, most often
// copied from the entry at hand, gets the follower's name in its place.
//
// A follower is not given what it emitted itself: entries of one of this log's [Log.Authors] with its name. What a
// follower of the same name has emitted on another node is an entry like any other.
const HeaderBy = ids.By
