package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/eventlog/follower"
)

// filterQuery returns the query for what a filter takes.
func filterQuery(f follower.Filter) Query {
	return Query{Order: Arrival, Kinds: f.Kinds, Modules: f.Modules, Subjects: f.Subjects, Authors: f.Authors}
}

// kept is what the file has of a follower.
type kept struct {
	cursor uint64
	record follower.Record
}

// follower returns what is kept under name, and whether anything is.
func (tx *readTx) follower(name string) (f kept, found bool, err error) {
	v := tx.Tree(bucketFollowers).Get([]byte(name))
	if v == nil {
		return f, false, nil
	}
	f, err = decodeFollower(name, v)
	return f, err == nil, err
}

func decodeFollower(name string, v []byte) (f kept, err error) {
	if f.cursor, f.record, err = follower.Parse(v); err != nil {
		err = &DamagedError{What: fmt.Sprintf("the cursor or the record of follower %q", name), Err: err}
	}
	return f, err
}

// putFollower keeps f under name.
func (tx *Tx) putFollower(name string, f kept) error {
	v, err := f.record.Encode(f.cursor)
	if err != nil {
		return fmt.Errorf("store follower %q: %w", name, err)
	}
	return tx.do(func() error {
		return tx.w.Tree(bucketFollowers).Put([]byte(name), v)
	})
}

// follower is that of readTx, in a step of its own.
func (tx *Tx) follower(name string) (f kept, found bool, err error) {
	err = tx.do(func() (err error) {
		f, found, err = tx.r.follower(name)
		return err
	})
	return f, found, err
}
