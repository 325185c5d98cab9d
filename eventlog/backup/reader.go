package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/helped"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// Reader reads a backup block by block. What it returns was checked as far as the block tells.
type Reader struct {
	// Summary is what the backup holds: its head, its files and its key from the beginning, all of it once [Reader.Read]
	// has returned [io.EOF].
	Summary
	blocks       blockReader
	last         byte // the kind of the block before
	ops, entries uint64
	first        *block // the first one behind those that a backup begins with, until it is read
}

// Contents is what one block has.
type Contents struct {
	At      int64 // where it begins, in bytes
	Pairs   []Pair
	Trimmed []Trimmed
	Ops     []Op
	Missing []record.Arrival
}

// Pair is a key of the file, in the bucket that Path leads to, and its value.
type Pair struct {
	Path       [][]byte
	Key, Value []byte
}

// Trimmed is where an op of an earlier backup has lost its body, and in which sweep.
type Trimmed struct{ Offset, Sweep uint64 }

// Op is an op with its offset and the sweep that has trimmed it, 0 for none.
type Op struct {
	crdt.Op
	Offset, Sweep uint64
}

// NewReader reads the head of a backup, which is number which of those that are read, from 0 on. An error is a
// [*BrokenError].
func NewReader(r io.Reader, which int) (*Reader, error) {
	name := fmt.Sprintf("%d of those given", which+1)
	if named, ok := r.(interface{ Name() string }); ok {
		name = named.Name()
	}
	b := &Reader{blocks: blockReader{r: bufio.NewReaderSize(r, 64<<10), name: name}}
	if err := b.blocks.begin(); err != nil {
		return nil, err
	}
	kind, payload, err := b.blocks.next()
	if err != nil {
		return nil, err
	}
	if b.last = kind; kind != kindHead {
		return nil, b.Altered("it begins with a block of kind %q", kind)
	}
	if err := decode(payload, &b.Head); err != nil {
		return nil, b.Altered("its head: %w", err)
	}
	if b.Format != schema.FormatVersion {
		return nil, b.blocks.broken(fmt.Errorf("%w: its keys are those of a file of version %d, this program knows version %d",
			ErrVersion, b.Format, schema.FormatVersion))
	}
	if b.From > b.To || b.To > crdt.MaxSeq || b.Since == nil && b.From > 0 {
		return nil, b.Altered("it has the offsets from %d to %d", b.From, b.To)
	}
	return b, b.begin()
}

// block is a block that was read, or why there is none.
type block struct {
	kind    byte
	payload []byte
	err     error
}

// begin reads what stands behind the head of a backup: its files and its key.
func (b *Reader) begin() error {
	for {
		kind, payload, err := b.blocks.next()
		switch {
		case err == nil && kind == kindFile && b.last == kindHead:
			if b.Files, err = filesOf(payload); err != nil {
				return b.Altered("its files: %w", err)
			}
		case err == nil && kind == kindKey && b.Key == nil:
			b.Key = payload
		default:
			b.first = &block{kind, payload, err}
			return nil
		}
		b.last = kind
	}
}

// nextBlock returns the next block behind those.
func (b *Reader) nextBlock() (kind byte, payload []byte, err error) {
	if first := b.first; first != nil {
		b.first = nil
		return first.kind, first.payload, first.err
	}
	return b.blocks.next()
}

// Altered says that the block that was read last, whose sum is right, was not written by [Writer].
func (b *Reader) Altered(format string, args ...any) error {
	return b.AlteredAt(b.blocks.at, fmt.Errorf(format, args...))
}

// AlteredAt is [Reader.Altered] of the block that begins at a place.
func (b *Reader) AlteredAt(at int64, err error) error {
	return &BrokenError{Name: b.blocks.name, At: at, Err: fmt.Errorf("%w: %w", ErrAltered, err)}
}

// At returns where the block begins that was read last, in bytes.
func (b *Reader) At() int64 { return b.blocks.at }

// Broken says that the backup cannot be used from the block on that was read last.
func (b *Reader) Broken(err error) error { return b.blocks.broken(err) }

// order is in which order blocks follow each other. Those of ops and of what is missing of them stand among each other.
var order = map[byte]int{kindHead: 0, kindFile: 1, kindKey: 2, kindSmall: 3, kindTrimmed: 4, kindOps: 5, kindMissing: 5, kindEnd: 6}

// Read returns what the next block has, and [io.EOF] once the backup has come to its end as it was to. Any other error
// is a [*BrokenError].
func (b *Reader) Read() (c Contents, err error) {
	kind, payload, err := b.nextBlock()
	if err != nil {
		return c, err
	}
	c.At = b.blocks.at
	at, known := order[kind]
	if !known || at < order[b.last] || at < order[kindSmall] {
		return c, b.Altered("a block of kind %q stands behind one of kind %q", kind, b.last)
	}
	b.last = kind
	switch kind {
	case kindSmall:
		c.Pairs, err = pairs(payload)
	case kindTrimmed:
		c.Trimmed, err = trims(payload)
	case kindOps:
		c.Ops, err = b.readOps(payload)
	case kindMissing:
		c.Missing, err = arrivals(payload)
	case kindEnd:
		return c, b.readEnd(payload)
	}
	if err != nil {
		return Contents{}, b.Altered("%w", err)
	}
	return c, nil
}

func (b *Reader) readEnd(payload []byte) error {
	if err := decode(payload, &b.End); err != nil {
		return b.Altered("its end: %w", err)
	}
	if b.Ops != b.ops || b.Entries != b.entries {
		return b.Altered("it has %d ops with %d entries where its end says %d with %d", b.ops, b.entries, b.Ops, b.Entries)
	}
	size, err := b.blocks.end()
	if err != nil {
		return err
	}
	b.ID, b.Bytes = b.blocks.sum, size
	return io.EOF
}

// readOps reads ops, on two processors.
func (b *Reader) readOps(payload []byte) ([]Op, error) {
	var values [][]byte
	for len(payload) > 0 {
		value, rest, err := cutBytes(payload)
		if err != nil {
			return nil, err
		}
		values, payload = append(values, value), rest
	}
	type piece struct {
		ops []Op
		err error
	}
	const each = 64 // ops in a piece
	pieces := slices.Collect(slices.Chunk(values, each))
	work := helped.Begin(len(pieces), func(i int) (p piece) {
		for _, v := range pieces[i] {
			op, err := b.readOp(v)
			if err != nil {
				return piece{err: err}
			}
			p.ops = append(p.ops, op)
		}
		return p
	})
	defer work.End()
	all := make([]Op, 0, len(values))
	for i, p := work.Next(); i >= 0; i, p = work.Next() {
		if p.err != nil {
			return nil, p.err
		}
		all = append(all, p.ops...)
	}
	for i := range all {
		b.ops++
		b.entries += all[i].Count
	}
	return all, nil
}

// readOp reads an op. All of it but the signature is checked: form, id, root, and its checksum in the file.
func (b *Reader) readOp(value []byte) (o Op, err error) {
	v, err := record.ParseOp(value)
	if err != nil {
		return o, err
	}
	op, err := crdt.ParseOp(v.Kept())
	if err == nil {
		err = v.Check(op.Author, op.Key())
	}
	if err == nil {
		err = op.CheckBody()
	}
	if err == nil && (op.Log != b.Log || v.Offset() >= b.To) {
		err = fmt.Errorf("op %s/%d of log %s at offset %d", op.Author, op.First, op.Log, v.Offset())
	}
	return Op{op, v.Offset(), v.Sweep()}, err
}

func pairs(payload []byte) (all []Pair, err error) {
	for len(payload) > 0 {
		p := Pair{Path: make([][]byte, payload[0])}
		if payload = payload[1:]; len(p.Path) == 0 || len(p.Path) > 2 {
			return nil, fmt.Errorf("a bucket below %d others", len(p.Path))
		}
		for i := range p.Path {
			if p.Path[i], payload, err = cutBytes(payload); err != nil {
				return nil, err
			}
		}
		if p.Key, payload, err = cutBytes(payload); err != nil {
			return nil, err
		}
		if p.Value, payload, err = cutBytes(payload); err != nil {
			return nil, err
		}
		if !schema.IsSmall(p.Path[0]) || len(p.Key) == 0 {
			return nil, fmt.Errorf("a key %q in bucket %q", p.Key, p.Path)
		}
		all = append(all, p)
	}
	return all, nil
}

// filesOf reads what [NewWriter] has written.
func filesOf(payload []byte) (all []File, err error) {
	for len(payload) > 0 {
		var name, data []byte
		if name, payload, err = cutBytes(payload); err != nil {
			return nil, err
		}
		if data, payload, err = cutBytes(payload); err != nil {
			return nil, err
		}
		all = append(all, File{string(name), data})
	}
	return all, checkFiles(all)
}

func trims(payload []byte) (all []Trimmed, err error) {
	for ; len(payload) >= 16; payload = payload[16:] {
		all = append(all, Trimmed{binary.BigEndian.Uint64(payload), binary.BigEndian.Uint64(payload[8:])})
	}
	if len(payload) > 0 {
		err = record.ErrLength
	}
	return all, err
}

func arrivals(payload []byte) (all []record.Arrival, err error) {
	const size = 8 + record.ArrivalSize
	for ; len(payload) >= size; payload = payload[size:] {
		a, err := record.ParseArrival(payload[:8], payload[8:size])
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if len(payload) > 0 {
		err = record.ErrLength
	}
	return all, err
}

var errItem = errors.New("an item is longer than its block")

// cutBytes reads what [appendBytes] has written.
func cutBytes(b []byte) (bytes, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errItem
	}
	end := size + int(n)
	return b[size:end:end], b[end:], nil
}

// readTail reads the end of a backup, and nothing before it. The sum of the block before the last stands before that.
func (b *Reader) readTail(r io.ReadSeeker) error {
	const most = sha256.Size + blockHeader + maxPayload + sha256.Size
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return b.blocks.broken(err)
	}
	from := max(b.blocks.at+b.blocks.size-sha256.Size, size-most)
	tail := make([]byte, max(size-from, 0))
	if _, err = r.Seek(from, io.SeekStart); err == nil {
		_, err = io.ReadFull(r, tail)
	}
	if err != nil {
		return b.blocks.broken(err)
	}
	sum := len(tail) - sha256.Size
	for at := sum - blockHeader; at >= sha256.Size; at-- {
		length := sum - at - blockHeader
		if length > maxPayload || tail[at] != kindEnd || int(binary.BigEndian.Uint32(tail[at+1:])) != length ||
			sha256.Sum256(tail[at-sha256.Size:sum]) != [sha256.Size]byte(tail[sum:]) {
			continue
		}
		b.blocks.at = from + int64(at)
		if err := decode(tail[at+blockHeader:sum], &b.End); err != nil {
			return b.Altered("its end: %w", err)
		}
		b.ID, b.Bytes = ID(tail[sum:]), size
		return nil
	}
	b.blocks.at = size
	return b.blocks.broken(ErrCut)
}
