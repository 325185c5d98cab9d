package eventlog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/retention"
)

// TrimPolicy returns the log's policy with its defaults filled in, in the form that [Config] takes.
func (l *Log) TrimPolicy() TrimPolicy {
	p := l.store.cfg.Trim
	p.MinAge = cmp.Or(p.MinAge, -1)
	p.MinCount = cmp.Or(p.MinCount, NoCount)
	return p
}

// Holders returns who may keep back a trim, the log's followers and the given others, the one furthest behind first.
func (l *Log) Holders(others []Hold) ([]Holder, error) {
	h, err := l.store.holders(others, l.store.cfg.Trim.MaxHold)
	if err != nil {
		return nil, err
	}
	return h.All(), nil
}

// holders returns those who may keep back a trim that begins now.
func (s *store) holders(others []Hold, most uint64) (h *retention.Holders, err error) {
	err = s.view(func(tx *readTx) error {
		followers, err := tx.holds()
		var prunes []Hold
		for _, f := range followers {
			if strings.HasPrefix(f.Name, crdt.ReservedPrefix) {
				prunes = append(prunes, f)
			} else {
				others = append(others[:len(others):len(others)], f)
			}
		}
		h = retention.NewHolders(slices.Concat(others, s.backupHolds()), prunes, tx.next, most)
		return err
	})
	return h, err
}

// holds returns what each follower that holds back trims has not handled, its cursor or the first entry
// that it has parked, in order of name.
func (tx *readTx) holds() (all []Hold, err error) {
	c := tx.Tree(bucketFollowers).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		name := string(k)
		f, err := decodeFollower(name, v)
		if err != nil {
			return nil, err
		}
		if f.record.Loose {
			continue
		}
		h := Hold{Name: name, Offset: f.cursor}
		if t := tx.parked(name); t != nil {
			k, _ := t.Cursor().First()
			if first, err := record.ParseOffset(k); err == nil {
				h.Offset = min(h.Offset, first)
			}
		}
		all = append(all, h)
	}
	return all, nil
}
