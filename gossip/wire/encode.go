package wire

import (
	"encoding/binary"

	"github.com/quipulog/quipu/crdt"
)

// Append appends m as a frame to dst. The caller has kept the limits; a message past them is refused
// by every reader.
func Append(dst []byte, m Message) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(m.Kind()))
	dst = m.appendBody(dst)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-headerSize))
	return dst
}

var be = binary.BigEndian

func (m Hello) appendBody(b []byte) []byte {
	b = be.AppendUint16(b, m.Version)
	b = append(b, m.Log[:]...)
	b = append(be.AppendUint16(b, uint16(len(m.Genesis))), m.Genesis...)
	b = append(append(b, byte(len(m.Name))), m.Name...)
	return appendHeads(b, m.Held)
}

func (m Shut) appendBody(b []byte) []byte {
	b = be.AppendUint32(b, uint32(len(m.Authors)))
	for i := range m.Authors {
		b = append(b, m.Authors[i][:]...)
	}
	return b
}

func (m Offer) appendBody(b []byte) []byte { return append(b, m.Root[:]...) }

func (v Vector) appendBody(b []byte) []byte {
	b = appendBool(b, v.Partial)
	b = append(append(b, v.After[:]...), v.Upto[:]...)
	b = be.AppendUint16(b, uint16(len(v.Heads)))
	for a, heads := range v.Heads.All() {
		b = appendHeads(append(b, a[:]...), heads)
	}
	return b
}

func (m Missing) appendBody(b []byte) []byte {
	b = be.AppendUint16(b, uint16(len(m.Wants)))
	for i := range m.Wants {
		w := &m.Wants[i]
		b = append(b, w.Author[:]...)
		b = appendHeads(b, w.Locator.Heads)
		b = be.AppendUint16(b, uint16(len(w.Locator.Back)))
		for _, k := range w.Locator.Back {
			b = append(be.AppendUint64(b, k.First), k.ID[:]...)
		}
	}
	return b
}

func (m Ops) appendBody(b []byte) []byte {
	b = appendBool(append(b, m.Author[:]...), m.Answer)
	leave := m.Run.Leave.Bytes()
	b = append(be.AppendUint16(b, uint16(len(leave))), leave...)
	b = be.AppendUint16(b, uint16(len(m.Run.Ops)))
	for _, op := range m.Run.Ops {
		b = append(be.AppendUint32(b, uint32(op.Size())), op.Bytes()...)
	}
	return b
}

func (m Done) appendBody(b []byte) []byte { return appendBool(append(b, m.Author[:]...), m.Complete) }

func (m Bye) appendBody(b []byte) []byte {
	text := m.Text[:min(len(m.Text), MaxText)]
	return append(append(b, byte(m.Code), byte(len(text))), text...)
}

func appendHeads(b []byte, heads []crdt.Head) []byte {
	b = be.AppendUint16(b, uint16(len(heads)))
	for _, h := range heads {
		b = append(be.AppendUint64(b, h.Next), h.ID[:]...)
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
