// Package held answers what laws ask of a log, in many short transactions instead of a long one.
//
// A [Log] is a [crdt.Held] over whoever can open one transaction after the other. [Entries] are those that a frontier
// stands for. Neither knows what a transaction is, nor where ops lie.
package held

import (
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Source is what one transaction shows.
type Source interface {
	crdt.Held
	// Headers yields copies of the headers of a's ops at or after a key, in order of key.
	Headers(a crdt.Author, from crdt.Key) iter.Seq2[crdt.Signed, error]
}

// Chunk is how many ops one transaction looks at.
const Chunk = 256

// Log is what a log holds, for laws that may look at more of it than one transaction should:
// each call reads in a transaction of its own, and Ops in several. What is held only grows, so all of
// them together see at least what the first one saw; but for a prune in between, after which the run
// that was to be read is empty, and is planned anew.
type Log struct {
	// View calls fn in a transaction.
	View func(fn func(tx Source) error) error
	// Ended returns why the call that the value is made for ended, if it did.
	Ended func() error
}

var _ crdt.Held = Log{}

// Feed returns what is held of a's feed.
func (l Log) Feed(a crdt.Author) (f crdt.Feed, err error) {
	err = l.View(func(tx Source) error {
		f, err = tx.Feed(a)
		return err
	})
	return f, err
}

// Get returns the op at key, and whether it is held.
func (l Log) Get(a crdt.Author, key crdt.Key) (s crdt.Signed, found bool, err error) {
	err = l.View(func(tx Source) error {
		s, found, err = tx.Get(a, key)
		return err
	})
	return s, found, err
}

// Find returns the op that ends a chain with head, and whether it is held.
func (l Log) Find(a crdt.Author, head crdt.Head) (s crdt.Signed, found bool, err error) {
	err = l.View(func(tx Source) error {
		s, found, err = tx.Find(a, head)
		return err
	})
	return s, found, err
}

// Ops yields a's ops whose first seq is at or above first, in order of key. The first transaction looks
// at one op only, since most callers want no more.
func (l Log) Ops(a crdt.Author, first uint64) iter.Seq2[crdt.Signed, error] {
	return func(yield func(crdt.Signed, error) bool) {
		from := crdt.Key{First: first}
		var ops []crdt.Signed
		for most := 1; ; most = Chunk {
			if err := l.Ended(); err != nil {
				yield(crdt.Signed{}, err)
				return
			}
			err := l.View(func(tx Source) error {
				ops = ops[:0]
				for op, err := range tx.Headers(a, from) {
					if err != nil {
						return err
					}
					if ops = append(ops, op); len(ops) == most {
						break
					}
				}
				return nil
			})
			for _, op := range ops {
				if !yield(op, nil) {
					return
				}
			}
			if err != nil {
				yield(crdt.Signed{}, err)
				return
			}
			if len(ops) < most {
				return
			}
			from = record.KeyAfter(ops[len(ops)-1].Key())
		}
	}
}
