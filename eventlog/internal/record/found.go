package record

import (
	"bytes"
	"encoding/binary"

	"github.com/quipulog/quipu/crdt"
)

// What an op's value has behind its sum begins with the header, whose first elements are the same in all ops of a log:
//
//	0x9a (an array of ten)  0x01 (the version)  0xc4 0x10 (16 bytes)  log (16)
//
// So values are found without what names them: no page, key or length is needed, since the header says how many entries
// follow, these say where they end, and the sum says that it is this op at this offset.

var opBegins = []byte{0x9a, crdt.Version, 0xc4, 0x10}

// Marker is what every op of a log begins with; of the zero log, what every op does.
func Marker(log crdt.LogID) []byte {
	if log.IsZero() {
		return opBegins
	}
	return append(bytes.Clone(opBegins), log[:]...)
}

// Find returns the next value of an op in b: it begins at at, behind its key where it stands on a page. marker is that of
// [Marker]. It shares b's memory, and its signature was not checked. Where there is none left at is -1.
//
// Nothing inside of a value is found: an op that is somebody's payload is none of ours.
func Find(b, marker []byte) (at int, v Op, op crdt.Op) {
	for from := opHead; from <= len(b); {
		i := bytes.Index(b[from:], marker)
		if i < 0 {
			break
		}
		begin := from + i - opHead
		if v, op, ok := cutOp(b[begin:]); ok {
			return begin, v, op
		}
		from += i + 1
	}
	return -1, nil, crdt.Op{}
}

// cutOp reads the value of an op from the front of b: with its body, with the stamp of a sweep, or with neither.
func cutOp(b []byte) (Op, crdt.Op, bool) {
	signed, _, err := crdt.CutSigned(b[opHead:])
	if err != nil {
		return nil, crdt.Op{}, false
	}
	sizes := [3]int{0, len(signed.Bytes()) + stampSize, len(signed.Bytes())}
	if op, _, err := crdt.CutOp(b[opHead:]); err == nil {
		sizes[0] = op.Size()
	}
	for _, size := range sizes {
		if size == 0 || opHead+size > len(b) {
			continue
		}
		v := Op(b[: opHead+size : opHead+size])
		if v.sum(signed.Author, signed.Key()) != binary.BigEndian.Uint32(v[offsetSize:]) {
			continue
		}
		if op, err := v.Verify(signed.Author, signed.Key()); err == nil {
			return v, op, true
		}
	}
	return nil, crdt.Op{}, false
}
