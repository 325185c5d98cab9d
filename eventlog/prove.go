package eventlog

import (
	"context"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Prove returns the proof of the entry at p, for somebody who has nothing but its author's key and the
// log's id. Places and errors are those of [Log.Lookup].
func (l *Log) Prove(ctx context.Context, p crdt.Place) (crdt.EntryProof, error) {
	if err := ctx.Err(); err != nil {
		return crdt.EntryProof{}, err
	}
	op, err := l.lookup(ctx, p)
	if err != nil {
		return crdt.EntryProof{}, err
	}
	proof, err := crdt.ProveEntry(l.held(ctx), op.op, p.Seq)
	if err != nil {
		return crdt.EntryProof{}, fmt.Errorf("prove %s: %w", p, err)
	}
	return proof, nil
}
