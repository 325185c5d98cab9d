package recorder

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"time"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// countFile keeps how many events were recorded, in a file of one record that each Record writes
// again:
//
//	number of the last event (8) ‖ time of that Record (8: nanoseconds since 1970) ‖ final (1) ‖ CRC-32C of these (4)
//
// The write goes to the kernel, so that it outlives the process at the cost of a system call. Only a
// final record is synced: after another boot of the machine a count that is not final says nothing.
type countFile struct {
	f *os.File
	b [countSize]byte // what is written; a buffer of its own would be garbage a call
}

const countSize = 8 + 8 + 1 + 4

// count is what a count file says.
type count struct {
	number uint64
	at     time.Time
	final  bool // nothing was recorded after it, and it was synced
}

// createCount makes a count file that is not there yet; its time means that nothing was recorded.
func createCount(path string, number uint64) (*countFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	c := &countFile{f: f}
	if err := errors.Join(c.set(count{number: number, at: time.Unix(0, 0)}), f.Sync()); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return c, nil
}

// set writes the record. A kill leaves the old one or the new one: it is one write within a page.
func (c *countFile) set(v count) error {
	b := &c.b
	b[16] = 0
	binary.BigEndian.PutUint64(b[:], v.number)
	binary.BigEndian.PutUint64(b[8:], uint64(v.at.UnixNano()))
	if v.final {
		b[16] = 1
	}
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[:17], castagnoli))
	_, err := c.f.WriteAt(b[:], 0)
	return err
}

// finish says that nothing is recorded after number, durably.
func (c *countFile) finish(number uint64, at time.Time) error {
	return errors.Join(c.set(count{number: number, at: at, final: true}), c.f.Sync())
}

// readCount returns what a count file says; ok is false when there is none or it is not whole.
func readCount(path string) (v count, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != countSize || binary.BigEndian.Uint32(b[17:]) != crc32.Checksum(b[:17], castagnoli) {
		return count{}, false
	}
	return count{
		number: binary.BigEndian.Uint64(b), at: time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))).UTC(), final: b[16] == 1,
	}, true
}
