package eventlog_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// floor is the least that a signed, durable log on bbolt can do, to hold this one's speed against. One goroutine
// commits all that waits as one op, with one hash and one signature. It checks no event and no reading, and knows
// neither branches, arrivals nor damage.
//
//	ops      seq of the first entry (8 bytes, big-endian) → [header, signature], entries      about 15 KB a value
//	cursor   "at" → seq
//	header   0x01, seq of the first entry (8), id of the op before (32), SHA-256 of the entries (32)
//	entry    time (8), kind, content type, payload, each behind its length
//
// The first value of an op begins with its header, the others with 0x00.
type floor struct {
	db   *bbolt.DB
	key  ed25519.PrivateKey
	last [sha256.Size]byte // id of the last op
	next uint64

	woken, ended chan struct{}

	mu      sync.Mutex // guards waiting
	waiting *floorBatch
}

const (
	floorHeader = 1 + 8 + 2*sha256.Size
	floorSigned = floorHeader + ed25519.SignatureSize
	floorValue  = 15 << 10 // bytes of entries of a value
)

var floorOps, floorCursor = []byte("ops"), []byte("cursor")

// floorBatch is what one commit writes.
type floorBatch struct {
	body []byte
	ends []int // of the entries in body
	done chan struct{}
	err  error
}

func newFloor(b *testing.B) *floor {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "floor.db"), 0o600, &bbolt.Options{
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30, // the kind and the room that quipu.db has
	})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(floorOps)
		_, err2 := tx.CreateBucket(floorCursor)
		return errors.Join(err, err2)
	})
	if err != nil {
		b.Fatal(err)
	}
	f := &floor{
		db: db, key: eventlogtest.Key("floor"), woken: make(chan struct{}, 1), ended: make(chan struct{}),
		waiting: &floorBatch{done: make(chan struct{})},
	}
	go f.write()
	return f
}

func (f *floor) close(b *testing.B) {
	b.Helper()
	close(f.woken)
	<-f.ended
	if err := f.db.Close(); err != nil {
		b.Fatal(err)
	}
}

// bytes returns how many the file has up to the end of its last page.
func (f *floor) bytes() (n int64) {
	_ = f.db.View(func(tx *bbolt.Tx) error {
		n = tx.Size()
		return nil
	})
	return n
}

// append returns once the events are durable.
func (f *floor) append(events []crdt.Event) error {
	now := time.Now().UnixNano()
	f.mu.Lock()
	batch := f.waiting
	for i := range events {
		e := &events[i]
		batch.body = binary.BigEndian.AppendUint64(batch.body, uint64(now))
		batch.body = appendFloorField(batch.body, e.Kind)
		batch.body = appendFloorField(batch.body, e.ContentType)
		batch.body = appendFloorField(batch.body, e.Payload)
		batch.ends = append(batch.ends, len(batch.body))
	}
	f.mu.Unlock()
	select {
	case f.woken <- struct{}{}:
	default: // The writer has not looked since it was woken.
	}
	<-batch.done
	return batch.err
}

func appendFloorField[T string | []byte](b []byte, field T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// write commits what waits, until the floor is closed.
func (f *floor) write() {
	defer close(f.ended)
	for range f.woken {
		if batch := f.gather(); len(batch.ends) > 0 {
			batch.err = f.commit(batch)
			close(batch.done)
		}
	}
}

// gather lets writers join the batch until eight yields have brought none.
func (f *floor) gather() *floorBatch {
	for size, quiet := 0, 0; quiet < 8; quiet++ {
		runtime.Gosched()
		f.mu.Lock()
		if n := len(f.waiting.ends); n != size {
			size, quiet = n, -1
		}
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	batch := f.waiting
	f.waiting = &floorBatch{done: make(chan struct{})}
	return batch
}

// commit seals the batch and makes it durable.
func (f *floor) commit(batch *floorBatch) error {
	root := sha256.Sum256(batch.body)
	value := append(make([]byte, 0, floorSigned+floorValue), 1)
	value = binary.BigEndian.AppendUint64(value, f.next)
	value = append(append(value, f.last[:]...), root[:]...)
	value = append(value, ed25519.Sign(f.key, value)...)
	f.last = sha256.Sum256(value)
	return f.db.Update(func(tx *bbolt.Tx) error {
		ops := tx.Bucket(floorOps)
		ops.FillPercent = 1
		first, from := f.next, 0
		for i, end := range batch.ends {
			f.next++
			if i+1 < len(batch.ends) && batch.ends[i+1]-from <= floorValue {
				continue
			}
			value = append(value, batch.body[from:end]...)
			if err := ops.Put(binary.BigEndian.AppendUint64(nil, first), value); err != nil {
				return err
			}
			value = append(make([]byte, 0, 1+floorValue), 0) // bbolt keeps the other until it has written it
			first, from = f.next, end
		}
		return nil
	})
}

// floorEntry is an entry that was read. Its fields share a memory of its own.
type floorEntry struct {
	time                       int64
	kind, contentType, payload []byte
}

var errFloor = errors.New("the floor's file is damaged")

// read appends to entries what stands in the values from seq at on, at least most unless the log ends before.
func (f *floor) read(at uint64, most int, entries []floorEntry) ([]floorEntry, error) {
	err := f.db.View(func(tx *bbolt.Tx) error {
		var e floorFields
		c := tx.Bucket(floorOps).Cursor()
		for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, at)); k != nil && len(entries) < most; k, v = c.Next() {
			for body := floorBody(v); len(body) > 0; body = body[e.size:] {
				if !e.locate(body) {
					return errFloor
				}
				entries = append(entries, e.clone(body))
			}
		}
		return nil
	})
	return entries, err
}

// floorBody returns the entries of a value.
func floorBody(value []byte) []byte {
	if value[0] == 1 {
		return value[floorSigned:]
	}
	return value[1:]
}

// floorFields is where the fields of an entry stand, from its first byte, and so its size.
type floorFields struct {
	kind, contentType, payload [2]int
	size                       int
}

// locate finds the fields of the entry that b begins with.
func (e *floorFields) locate(b []byte) bool {
	e.size = 8
	for _, field := range []*[2]int{&e.kind, &e.contentType, &e.payload} {
		if e.size > len(b) {
			return false
		}
		size, w := binary.Uvarint(b[e.size:])
		if w <= 0 || size > uint64(len(b)-e.size-w) {
			return false
		}
		field[0] = e.size + w
		field[1] = field[0] + int(size)
		e.size = field[1]
	}
	return true
}

// clone returns the entry, which b begins with.
func (e *floorFields) clone(b []byte) floorEntry {
	own := bytes.Clone(b[:e.size])
	return floorEntry{
		time: int64(binary.BigEndian.Uint64(own)), kind: own[e.kind[0]:e.kind[1]],
		contentType: own[e.contentType[0]:e.contentType[1]], payload: own[e.payload[0]:],
	}
}

// follow reads all from the cursor on in batches, and commits for each the cursor and how many entries there were.
func (f *floor) follow(most int) (n int, err error) {
	var batch []floorEntry
	for {
		batch, err = f.read(uint64(n), most, batch[:0])
		if err != nil || len(batch) == 0 {
			return n, err
		}
		n += len(batch)
		err = f.db.Update(func(tx *bbolt.Tx) error {
			count := binary.BigEndian.AppendUint64(nil, uint64(n))
			return errors.Join(tx.Bucket(floorCursor).Put([]byte("at"), count), tx.Bucket(floorCursor).Put([]byte("count"), count))
		})
		if err != nil {
			return n, err
		}
	}
}

// ops returns the values of all ops.
func (f *floor) ops() (ops [][][]byte, err error) {
	err = f.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(floorOps).ForEach(func(_, v []byte) error {
			if v[0] == 1 {
				ops = append(ops, nil)
			}
			ops[len(ops)-1] = append(ops[len(ops)-1], bytes.Clone(v))
			return nil
		})
	})
	return ops, err
}

// apply checks ops of the author that follow on those held, their hashes and the last signature, and stores them in
// transactions of about 8 MiB.
func (f *floor) apply(author ed25519.PublicKey, ops [][][]byte) error {
	head := ops[len(ops)-1][0]
	if !ed25519.Verify(author, head[:floorHeader], head[floorHeader:floorSigned]) {
		return errFloor
	}
	for len(ops) > 0 {
		err := f.db.Update(func(tx *bbolt.Tx) error {
			stored := 0
			for ; len(ops) > 0 && stored < 8<<20; ops = ops[1:] {
				n, err := f.put(tx.Bucket(floorOps), ops[0])
				if err != nil {
					return err
				}
				stored += n
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put checks the hashes of an op, stores its values, and returns their size.
func (f *floor) put(ops *bbolt.Bucket, values [][]byte) (size int, err error) {
	ops.FillPercent = 1
	var e floorFields
	head, root := values[0][:floorSigned], sha256.New()
	if !bytes.Equal(head[9:9+sha256.Size], f.last[:]) || binary.BigEndian.Uint64(head[1:]) != f.next {
		return 0, errFloor
	}
	for _, v := range values {
		first, body := f.next, floorBody(v)
		root.Write(body)
		for ; len(body) > 0; f.next++ {
			if !e.locate(body) {
				return 0, errFloor
			}
			body = body[e.size:]
		}
		if err := ops.Put(binary.BigEndian.AppendUint64(nil, first), v); err != nil {
			return 0, err
		}
		size += len(v)
	}
	if !bytes.Equal(root.Sum(nil), head[9+sha256.Size:floorHeader]) {
		return 0, errFloor
	}
	f.last = sha256.Sum256(head)
	return size, nil
}
