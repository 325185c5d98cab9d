package salvage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// metaReader takes what meta says.
type metaReader struct{ *salvage }

func (r metaReader) Enter(path [][]byte) bool { return bytes.Equal(path[0], schema.Meta) }

func (r metaReader) Visit(path [][]byte, k, v []byte) (bool, error) {
	if len(path) == 1 {
		r.meta[string(k)] = bytes.Clone(v)
	}
	return len(path) == 1, nil
}

func (r metaReader) Lost(path [][]byte, err error) {
	if len(path) > 0 {
		r.report.lost("meta: %v", err)
	}
}

// identify finds out of which log the file is, and whose: by meta, or where that is gone by the ops.
func (s *salvage) identify() error {
	if err := s.From.Walk(s.ctx, metaReader{s}); err != nil {
		return err
	}
	if f := s.meta[string(schema.Format)]; len(f) == 1 && schema.IsVersion(f[0]) && !schema.Reads(f[0]) {
		return fmt.Errorf("it is of version %d, this program salvages version %d and %d", f[0], schema.FormatVersion, schema.LateVersion)
	}
	if a := s.meta[string(schema.Author)]; len(a) == len(s.Author) && !ownend.Alike(a, s.Author[:]) {
		return fmt.Errorf("%w: that of %s, not of %s", ErrAuthor, crdt.Author(a), s.Author)
	}
	b, had := s.meta[string(schema.Genesis)]
	g, err := crdt.ParseGenesis(b)
	if id := s.meta[string(schema.Log)]; len(id) == len(s.report.Log) {
		s.report.Log = crdt.LogID(id)
		if began := g.Log(); err == nil && ownend.Alike(id, began[:]) {
			s.report.Log = began
		}
	} else if err := s.findLog(); err != nil {
		return err
	}
	if s.report.Genesis = err == nil && g.Log() == s.report.Log; s.report.Genesis || s.metaWhole() && !had {
		return nil // it is right, or none was known yet
	}
	delete(s.meta, string(schema.Genesis))
	return s.findGenesis()
}

// metaWhole reports whether meta has what every log's has.
func (s *salvage) metaWhole() bool {
	return len(s.meta[string(schema.Log)]) == 16 && len(s.meta[string(schema.Author)]) == 32 && len(s.meta[string(schema.Incarnation)]) == 16
}

// findLog takes the log of the first op that our author has signed, or where there is none of the first that anybody has.
func (s *salvage) findLog() error {
	s.report.lost("meta: which log this is was found out from its ops")
	var others crdt.LogID
	ours := errors.New("an op of ours")
	err := s.ops(0, s.From.Size(), func(_ record.Op, op crdt.Op, _ int64) error {
		if own := op.Author == s.Author; (own || others.IsZero()) && op.Verify() == nil {
			if others = op.Log; own {
				return ours
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ours) {
		return err
	}
	if s.report.Log = others; others.IsZero() {
		return ErrNothing
	}
	return nil
}

// Of a genesis in its bytes: what it begins with, and how many follow where it has no admins, and for each.
var genesisBegins = []byte{0x94, crdt.Version, 0xc4, 32}

const (
	genesisSize = 4 + 32 + 1 + 1
	adminSize   = 2 + 32
)

// findGenesis looks for what the log began with: it is known by the log's id.
func (s *salvage) findGenesis() error {
	const most = genesisSize + 2 + crdt.MaxAdmins*adminSize
	return s.windows(0, s.From.Size(), most, func(b []byte, _ int64) (int, error) {
		for from := 0; ; from++ {
			i := bytes.Index(b[from:], genesisBegins)
			if i < 0 || s.report.Genesis {
				return 0, nil
			}
			from += i
			s.takeGenesis(b[from:min(len(b), from+most)])
		}
	})
}

// takeGenesis takes the genesis that b begins with, if it is this log's.
func (s *salvage) takeGenesis(b []byte) {
	for admins := range crdt.MaxAdmins + 1 {
		size := genesisSize + admins*adminSize
		if admins > 15 {
			size += 2
		}
		if size > len(b) {
			return
		}
		if g, err := crdt.ParseGenesis(b[:size]); err == nil {
			if g.Log() == s.report.Log {
				s.report.Genesis, s.meta[string(schema.Genesis)] = true, g.Encode()
			}
			return
		}
	}
}

// putMeta puts meta: as it was, but for what the file is, and with why our feed recovers before it is appended to.
func (s *salvage) putMeta() error {
	meta, name := s.meta, incarnation.New()
	if !s.metaWhole() {
		meta = make(map[string][]byte)
		if s.report.Genesis {
			meta[string(schema.Genesis)] = s.meta[string(schema.Genesis)]
		}
		meta[string(schema.Incarnation)] = name[:]
	} else {
		s.renamed(name)
	}
	meta[string(schema.Format)] = []byte{schema.FormatVersion}
	meta[string(schema.Log)], meta[string(schema.Author)] = s.report.Log[:], s.Author[:]
	delete(meta, string(schema.Identity))
	var end crdt.Head
	if f, err := s.maker.Feed(s.Author); err != nil {
		return err
	} else if f != nil {
		end = ownend.Highest(f.Feed).Head
	}
	maps.Copy(meta, ownend.Pairs(s.Why, end))
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		if err := s.maker.Pair([][]byte{schema.Meta}, []byte(k), meta[k]); err != nil {
			return err
		}
	}
	return nil
}

// renamed lets the arrivals begin anew where what is here may not be what was told of.
func (s *salvage) renamed(name [16]byte) {
	key := string(schema.Incarnations)
	names := incarnation.Names{Present: [16]byte(s.meta[string(schema.Incarnation)])}
	if b := s.meta[key]; b != nil {
		all, err := incarnation.Parse(b)
		if err != nil {
			s.report.lost("the names of the arrivals: %v", err)
		} else {
			names = all
		}
	}
	var sweep uint64
	if b := s.meta[string(schema.Sweep)]; len(b) == 8 {
		sweep = binary.BigEndian.Uint64(b)
	}
	s.meta[key] = names.Begin(name, s.bound, sweep).Encode()
}
