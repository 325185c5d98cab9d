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
	b = be.AppendUint32(b, uint32(m.Features))
	b = append(b, m.Instance[:]...)
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

func (m Offer) appendBody(b []byte) []byte {
	return append(be.AppendUint32(b, m.Round), m.Root[:]...)
}

func (m Same) appendBody(b []byte) []byte { return be.AppendUint32(b, m.Round) }

func (m Probe) appendBody(b []byte) []byte {
	b = be.AppendUint32(b, m.Round)
	b = be.AppendUint16(b, uint16(len(m.Probes)))
	for _, p := range m.Probes {
		b = appendBool(appendPath(b, p.Path), p.Heads)
	}
	return b
}

func (m Nodes) appendBody(b []byte) []byte {
	b = appendBool(be.AppendUint32(b, m.Round), m.Last)
	b = be.AppendUint16(b, uint16(len(m.Nodes)))
	for i := range m.Nodes {
		b = appendNode(b, &m.Nodes[i])
	}
	return b
}

func appendNode(b []byte, n *crdt.Node) []byte {
	b = be.AppendUint32(appendPath(b, n.Path), n.Count)
	var present uint16
	for i, c := range n.Children {
		if c != (crdt.Print{}) {
			present |= 1 << i
		}
	}
	b = be.AppendUint16(b, present)
	for i := range n.Children {
		if present&(1<<i) != 0 {
			b = append(b, n.Children[i][:]...)
		}
	}
	return b
}

func (v Vector) appendBody(b []byte) []byte {
	b = appendBool(be.AppendUint32(b, v.Round), v.Last)
	b = append(append(b, v.After[:]...), v.Upto[:]...)
	b = be.AppendUint16(b, uint16(len(v.Heads)))
	for a, heads := range v.Heads.All() {
		b = appendHeads(append(b, a[:]...), heads)
	}
	return b
}

func (m Missing) appendBody(b []byte) []byte { return appendWants(b, m.Wants) }

func (m Graft) appendBody(b []byte) []byte { return appendWants(b, m.Wants) }

func appendWants(b []byte, wants []Want) []byte {
	b = be.AppendUint16(b, uint16(len(wants)))
	for i := range wants {
		w := &wants[i]
		b = append(be.AppendUint32(b, w.Ask), w.Author[:]...)
		b = appendHeads(b, w.Locator.Heads)
		b = be.AppendUint16(b, uint16(len(w.Locator.Back)))
		for _, k := range w.Locator.Back {
			b = append(be.AppendUint64(b, k.First), k.ID[:]...)
		}
	}
	return b
}

func (m Spans) appendBody(b []byte) []byte {
	b = be.AppendUint16(b, uint16(len(m.Wants)))
	for i := range m.Wants {
		w := &m.Wants[i]
		b = append(be.AppendUint32(b, w.Ask), w.Author[:]...)
		b = appendHead(b, w.Head)
		b = be.AppendUint64(be.AppendUint64(b, w.From), w.Upto)
		b = be.AppendUint32(b, w.MaxBytes)
	}
	return b
}

func (m Ops) appendBody(b []byte) []byte {
	b = be.AppendUint32(append(b, m.Author[:]...), m.Ask)
	b = be.AppendUint16(b, m.Hops)
	leave := m.Run.Leave.Bytes()
	b = append(be.AppendUint16(b, uint16(len(leave))), leave...)
	b = be.AppendUint16(b, uint16(len(m.Run.Ops)))
	for _, op := range m.Run.Ops {
		b = append(be.AppendUint32(b, uint32(op.Size())), op.Bytes()...)
	}
	return b
}

func (m Done) appendBody(b []byte) []byte {
	b = append(be.AppendUint32(b, m.Ask), m.Author[:]...)
	return be.AppendUint64(appendBool(b, m.Complete), m.Next)
}

func (m IHave) appendBody(b []byte) []byte {
	b = be.AppendUint16(b, uint16(len(m.Haves)))
	for i := range m.Haves {
		h := &m.Haves[i]
		b = appendHead(append(b, h.Author[:]...), h.Head)
		b = be.AppendUint16(b, h.Hops)
	}
	return b
}

func (Detach) appendBody(b []byte) []byte { return b }

func (m Transient) appendBody(b []byte) []byte { return append(append(b, m.Hops), m.Event.Bytes()...) }

func (m Conditions) appendBody(b []byte) []byte {
	b = append(b, byte(len(m.List)))
	for _, c := range m.List {
		b = append(b, byte(c))
	}
	return b
}

func (m Time) appendBody(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, m.Round), uint64(m.Millis))
}

func (m Who) appendBody(b []byte) []byte { return be.AppendUint32(b, m.Round) }

func (m Members) appendBody(b []byte) []byte {
	b = be.AppendUint32(b, m.Round)
	b = be.AppendUint16(b, uint16(len(m.List)))
	for i := range m.List {
		k := &m.List[i]
		b = be.AppendUint32(append(b, k.Author[:]...), k.Ago)
		b = append(append(b, byte(len(k.Name))), k.Name...)
	}
	return b
}

func (m Keeps) appendBody(b []byte) []byte {
	return be.AppendUint64(be.AppendUint64(appendBool(appendBool(b, m.Bodies), m.Forgotten), m.Age), m.Entries)
}

func (m Await) appendBody(b []byte) []byte { return appendHead(b, m.Head) }

func (m Program) appendBody(b []byte) []byte {
	return append(append(b, byte(len(m.Version))), m.Version...)
}
func (m Page) appendBody(b []byte) []byte { return append(append(b, byte(len(m.URL))), m.URL...) }

func (m Bye) appendBody(b []byte) []byte {
	text := m.Text[:min(len(m.Text), MaxText)]
	return append(append(b, byte(m.Code), byte(len(text))), text...)
}

func appendHeads(b []byte, heads []crdt.Head) []byte {
	b = be.AppendUint16(b, uint16(len(heads)))
	for _, h := range heads {
		b = appendHead(b, h)
	}
	return b
}

func appendHead(b []byte, h crdt.Head) []byte {
	return append(be.AppendUint64(b, h.Next), h.ID[:]...)
}

func appendPath(b []byte, p crdt.Path) []byte { return p.AppendNibbles(append(b, byte(p.Len()))) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
