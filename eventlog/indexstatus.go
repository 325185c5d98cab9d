package eventlog

import "errors"

// IndexStatus says how far the index is and what it takes.
type IndexStatus struct {
	// Off says that the index is neither read nor kept, see [Config].
	Off bool
	// Damaged says that it cannot be read: nothing uses it, and [Log.Index] makes it anew.
	Damaged bool
	// Reached is the offset below which everything is indexed, Next that of the next entry to arrive.
	// What lies between is scanned.
	Reached, Next uint64
	// Layers is how many parts a query looks into, Postings how often an op stands in them, and Bytes
	// what they take of the file.
	Layers          int
	Postings, Bytes uint64
}

// IndexStatus returns how far the index is.
func (l *Log) IndexStatus() (IndexStatus, error) {
	s := IndexStatus{Off: l.cfg.NoIndex}
	err := l.view(func(tx *readTx) error {
		layers, err := tx.indexLayers(l.incarnation)
		s.Layers, s.Reached = len(layers), reached(layers)
		s.Next = max(tx.next, s.Reached) // of entries that arrived meanwhile the index may have some
		for _, r := range layers {
			s.Postings += r.postings
			s.Bytes += r.bytes
		}
		return err
	})
	if errors.Is(err, errIndex) {
		s.Damaged, err = true, nil
	}
	return s, err
}
