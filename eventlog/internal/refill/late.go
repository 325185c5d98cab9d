package refill

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Late puts the arrivals of those ops that the record of a feed says to be late, and of which nothing was put: as the ops
// beside them tell, and the keys, in order, of those that cannot be read.
func (m *Maker) Late(f *record.Feed, spoiled []crdt.Key) error {
	made := arrivals.Made{Author: f.Feed.Author, Late: f.Late}
	var missing []record.Arrival
	err := m.do(func() error {
		held := heldBelow{ops: m.feedOps(f.Feed.Author), below: crdt.Key{First: crdt.MaxSeq}}
		for op, err := range held.Ops(f.Feed.Author, f.Late.Seq) {
			if err != nil {
				return err
			}
			for ; len(spoiled) > 0 && spoiled[0].First < op.First; spoiled = spoiled[1:] {
				made.Spoiled(spoiled[0])
			}
			made.Op(op)
		}
		for _, key := range spoiled {
			made.Spoiled(key)
		}
		made.End(f.Feed)
		for _, a := range made.All {
			if _, put, err := held.Get(a.Author, a.Key); put || err != nil || m.free(a) != nil {
				continue
			}
			missing = append(missing, a)
		}
		return m.tx.Err()
	})
	for _, a := range missing {
		if key := record.Offset(a.Offset); err == nil {
			err = m.Pair([][]byte{schema.Arrivals}, key[:], a.Encode())
		}
	}
	return err
}
