package follower

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// What is kept of a follower, and of an entry that it has parked, is JSON, and a bit that flips in it or in the cursor most
// often leaves another cursor, or another count. So the text is sealed: its last member is a CRC-32C, in hex, of the key
// and of all that stands before that member:
//
//	cursor (8) ‖ {"since":"…","handled":7,"sum":"5d41402a"}
//
// A text that ends otherwise is of before texts were sealed. It may have no member that is not known, such as one that
// was "sum" before a bit has flipped.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errSum = errors.New("its checksum is another")

const (
	sumForm = `"sum":"%08x"}`
	sumSize = len(`"sum":"5d41402a"}`)
)

// seal seals a value that ends with the text of a JSON object, under a key.
func seal(key, v []byte) []byte {
	v = v[:len(v)-1] // the brace
	if v[len(v)-1] != '{' {
		v = append(v, ',')
	}
	return fmt.Appendf(v, sumForm, sumOf(key, v))
}

func sumOf(key, v []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, v)
}

// unseal returns a value as it was before it was sealed, in memory of its own. Of one that never was, which ends with a text
// from at on, it wants that to have no more members than old, which it is read into.
func unseal(key, v []byte, at int, old any) ([]byte, error) {
	rest := v[:max(at, len(v)-sumSize)]
	end := v[len(rest):]
	if !bytes.HasPrefix(end, []byte(`"sum":"`)) || !bytes.HasSuffix(end, []byte(`"}`)) {
		read := json.NewDecoder(bytes.NewReader(v[at:]))
		read.DisallowUnknownFields()
		if err := read.Decode(old); err != nil {
			return nil, err
		}
		if _, err := read.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("something follows its text")
		}
		return bytes.Clone(v), nil
	}
	if string(end) != fmt.Sprintf(sumForm, sumOf(key, rest)) {
		return nil, errSum
	}
	return append(bytes.Clone(bytes.TrimSuffix(rest, []byte(","))), '}'), nil
}

// Open reads the value of the follower called name: its cursor, and the text of its record, empty where there is none.
func Open(name string, v []byte) (cursor uint64, text []byte, err error) {
	if _, text, err = record.CutOffset(v); err == nil && len(text) > 0 { // else only a cursor was set, before there were sums
		v, err = unseal([]byte(name), v, len(v)-len(text), new(Record))
	}
	if err != nil {
		return 0, nil, err
	}
	return record.CutOffset(v)
}

// Seal returns the value of the follower called name, with a cursor and the text of a record; nil for none.
func Seal(name string, cursor uint64, text []byte) []byte {
	if len(text) == 0 {
		text = []byte("{}")
	}
	v := record.Offset(cursor)
	return seal([]byte(name), append(v[:], text...))
}

// Parse reads the value of the follower called name: its cursor, and its record, if it has one.
func Parse(name string, v []byte) (cursor uint64, r Record, err error) {
	cursor, text, err := Open(name, v)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &r)
	}
	return cursor, r, err
}

// Encode returns the value of the follower called name, with that cursor.
func (r Record) Encode(name string, cursor uint64) ([]byte, error) {
	text, err := json.Marshal(r)
	return Seal(name, cursor, text), err
}

// ParseParked reads what is kept under its offset of an entry that the follower called name has parked.
func ParseParked(name string, k, v []byte) (p ParkedEntry, err error) {
	if p.Offset, err = record.ParseOffset(k); err == nil {
		v, err = unseal(parkedKey(name, k), v, 0, new(ParkedEntry))
	}
	if err == nil {
		err = json.Unmarshal(v, &p)
	}
	return p, err
}

// Encode returns what is kept of the entry, which the follower called name has parked, under its offset.
func (p *ParkedEntry) Encode(name string) (k, v []byte, err error) {
	at := record.Offset(p.Offset)
	if v, err = json.Marshal(p); err == nil {
		v = seal(parkedKey(name, at[:]), v)
	}
	return at[:], v, err
}

func parkedKey(name string, k []byte) []byte { return append(append([]byte(name), 0), k...) }
