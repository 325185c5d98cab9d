package excerpt

// Memory is what ops are copied into: those that are short stand in it together.
type Memory struct {
	// Room is how many bytes are made room for at a time, at most; 0 for what a single op takes.
	Room   int
	buffer []byte
	copied int
}

// apart is how long an op is that is copied into memory of its own, in bytes.
const apart = 8 << 10

// Copy returns a copy of b. The room for more grows with what was copied, so that whoever keeps a little does not keep
// room for much.
func (m *Memory) Copy(b []byte) []byte {
	m.copied += len(b)
	if len(b) >= apart {
		return append([]byte(nil), b...)
	}
	if len(b) > cap(m.buffer)-len(m.buffer) {
		m.buffer = make([]byte, 0, max(min(m.Room, m.copied), len(b)))
	}
	from := len(m.buffer)
	m.buffer = append(m.buffer, b...)
	return m.buffer[from:len(m.buffer):len(m.buffer)]
}
