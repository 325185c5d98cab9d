package backup

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Writer writes a backup, in the order of its methods. What it is given it does not keep.
type Writer struct {
	blocks *blockWriter
	s      Summary
}

// NewWriter begins a backup with its head, and with the files and the sealed key of the options.
func NewWriter(w io.Writer, h Head, o Options) (*Writer, error) {
	if err := checkFiles(o.Files); err != nil {
		return nil, err
	}
	if len(o.Key) > maxItem {
		return nil, fmt.Errorf("the sealed key has %d bytes", len(o.Key))
	}
	blocks, err := newBlockWriter(w)
	if err != nil {
		return nil, err
	}
	b := &Writer{blocks: blocks, s: Summary{Head: h}}
	if err := b.json(kindHead, &h); err != nil {
		return nil, err
	}
	return b, b.begin(o.Files, o.Key)
}

func (b *Writer) json(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.item(kind, func(to []byte) []byte { return append(to, text...) })
}

// item appends an item to the block that it belongs to.
func (b *Writer) item(kind byte, with func(to []byte) []byte) error {
	to, err := b.blocks.begin(kind)
	if err == nil {
		b.blocks.b = with(to)
	}
	return err
}

// Small writes keys and values of the small part, as [AppendPair] has made them.
func (b *Writer) Small(pairs []byte) error {
	return b.item(kindSmall, func(to []byte) []byte { return append(to, pairs...) })
}

// AppendPair appends to b a key of the file and its value, in the bucket that path leads to.
func AppendPair(b []byte, path [][]byte, key, value []byte) []byte {
	b = append(b, byte(len(path)))
	for _, name := range path {
		b = appendBytes(b, name)
	}
	return appendBytes(appendBytes(b, key), value)
}

func appendBytes(b, bytes []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(bytes))), bytes...)
}

// Trimmed writes that the op at an offset of an earlier backup has lost its body in a sweep.
func (b *Writer) Trimmed(offset, sweep uint64) error {
	return b.item(kindTrimmed, func(to []byte) []byte {
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(to, offset), sweep)
	})
}

// Op writes the value of an op that has count entries.
func (b *Writer) Op(value []byte, count uint64) error {
	b.s.Ops++
	b.s.Entries += count
	return b.item(kindOps, func(to []byte) []byte { return appendBytes(to, value) })
}

// Missing writes the arrival of an op that could not be read.
func (b *Writer) Missing(a record.Arrival) error {
	return b.item(kindMissing, func(to []byte) []byte {
		k := record.Offset(a.Offset)
		return append(append(to, k[:]...), a.Encode()...)
	})
}

// MaxFiles bounds the files of a backup, MaxFileBytes what they hold together, in bytes.
const (
	MaxFiles     = 16
	MaxFileBytes = 4 << 20
)

// fileName is what a file of a backup may be called.
var fileName = regexp.MustCompile(`^[0-9A-Za-z][-._0-9A-Za-z]{0,63}$`)

// ErrFiles is wrapped where files cannot be kept in a backup.
var ErrFiles = errors.New("files of a backup")

// checkFiles says why files cannot be kept in a backup.
func checkFiles(all []File) error {
	names, size := make(map[string]bool), 0
	for _, f := range all {
		if size += len(f.Data); !fileName.MatchString(f.Name) || names[f.Name] {
			return fmt.Errorf("%w: one is called %.100q: expected a name of its own, of letters, digits, dots and hyphens", ErrFiles, f.Name)
		}
		names[f.Name] = true
	}
	if len(all) > MaxFiles || size > MaxFileBytes {
		return fmt.Errorf("%w: %d with %d bytes: expected at most %d with %d", ErrFiles, len(all), size, MaxFiles, MaxFileBytes)
	}
	return nil
}

// begin writes what belongs with the log: files, and its key, sealed.
func (b *Writer) begin(files []File, key []byte) error {
	b.s.Files, b.s.Key = files, key
	if len(files) > 0 {
		if err := b.item(kindFile, func(to []byte) []byte {
			for _, f := range files {
				to = appendBytes(appendBytes(to, []byte(f.Name)), f.Data)
			}
			return to
		}); err != nil {
			return err
		}
	}
	if len(key) == 0 {
		return nil
	}
	return b.item(kindKey, func(to []byte) []byte { return append(to, key...) })
}

// Breathe lets whoever reads know that the backup is going on, though nothing was to be written for a while.
func (b *Writer) Breathe() error {
	if _, err := b.blocks.begin(b.blocks.kind); err != nil {
		return err
	}
	return b.blocks.flush()
}

// maxDamage bounds the damage that an end names.
const maxDamage = 1000

// Damaged notes what could not be read.
func (b *Writer) Damaged(d Damage) {
	if len(b.s.Damage) == maxDamage {
		b.s.More++
		return
	}
	b.s.Damage = append(b.s.Damage, d)
}

// End writes what the backup ends with, and returns what it holds.
func (b *Writer) End(pruned []Pruned) (Summary, error) {
	b.s.Pruned = pruned
	if err := b.json(kindEnd, &b.s.End); err != nil {
		return Summary{}, err
	}
	if err := b.blocks.flush(); err != nil {
		return Summary{}, err
	}
	b.s.ID, b.s.Bytes = b.blocks.sum, b.blocks.bytes
	return b.s, nil
}
