package membership

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"
)

// What reaches memberlist is decoded there, in its own goroutines, where nothing of ours could recover
// from a panic; and its decoder takes memory for what is claimed, descends into whatever is nested, and
// unpacks. So every message is read here first, to its end: only the kinds in use pass, only in the form
// that memberlist itself writes, and only with values that a node can have.
type kind byte

const (
	kindPing     kind = 0
	kindRelay    kind = 1 // an indirect ping: ping somebody for me
	kindAck      kind = 2
	kindSuspect  kind = 3
	kindAlive    kind = 4
	kindDead     kind = 5
	kindPushPull kind = 6
	kindCompound kind = 7
	kindAdverts  kind = 8 // memberlist's user message
	kindNack     kind = 11
	kindSum      kind = 12 // a CRC, before a whole packet
)

const (
	// maxNodes bounds the nodes in a push or pull.
	maxNodes = 4096
	// maxUserState bounds what a push or pull carries beside them, in bytes.
	maxUserState = 1 << 10
	// maxFields and maxFieldName bound a map, maxFieldText a text in it that is not known here.
	maxFields    = 15
	maxFieldName = 32
	maxFieldText = 512

	maxMeta = announceFixed + MaxName
)

// errMessage is wrapped by errors about messages that no node sends: a holder of the secret made them.
var errMessage = errors.New("not a message of the membership")

// field is an entry of a map: its name, and what is wrong with a value.
type field struct {
	name     string
	fits     func(value) bool
	optional bool
}

// The maps that messages consist of.
var (
	fieldSeq    = field{name: "SeqNo", fits: isNumber(1<<32 - 1)}
	fieldInc    = field{name: "Incarnation", fits: isNumber(1<<32 - 1)}
	fieldNode   = field{name: "Node", fits: isAuthor}
	fieldFrom   = field{name: "From", fits: isAuthor}
	fieldAddr   = field{name: "Addr", fits: isAddress}
	fieldPort   = field{name: "Port", fits: isPort}
	fieldMeta   = field{name: "Meta", fits: isText(maxMeta)}
	fieldVsn    = field{name: "Vsn", fits: isVersions}
	fieldSource = []field{
		{name: "SourceAddr", fits: isAddress, optional: true},
		{name: "SourcePort", fits: isNumber(1<<16 - 1), optional: true},
		{name: "SourceNode", fits: isAuthor, optional: true},
	}

	forms = map[kind][]field{
		kindPing: append([]field{fieldSeq, fieldNode}, fieldSource...),
		kindRelay: append([]field{
			fieldSeq, {name: "Target", fits: isAddress}, fieldPort, fieldNode, {name: "Nack", fits: isBool},
		}, fieldSource...),
		kindAck:     {fieldSeq, {name: "Payload", fits: isText(0)}},
		kindNack:    {fieldSeq},
		kindSuspect: {fieldInc, fieldNode, fieldFrom},
		kindDead:    {fieldInc, fieldNode, fieldFrom},
		kindAlive:   {fieldInc, fieldNode, fieldAddr, fieldPort, fieldMeta, fieldVsn},
	}
	formHeader = []field{
		{name: "Nodes", fits: isNumber(maxNodes)}, {name: "UserStateLen", fits: isNumber(maxUserState)}, {name: "Join", fits: isBool},
	}
	formNode = []field{
		{name: "Name", fits: isAuthor}, fieldAddr, fieldPort, fieldMeta, fieldInc,
		{name: "State", fits: isNumber(uint64(memberlist.StateLeft))}, fieldVsn,
	}
)

// contents is what is in a packet.
type contents struct {
	kinds  uint16 // a bit for each kind
	relays int    // pings that it asks us to relay
}

// has reports whether a message of one of some kinds is in the packet.
func (c contents) has(kinds ...kind) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return c.kinds&(1<<k) != 0 })
}

// checkPacket says why a packet may not pass, or nil, and what is in it.
func checkPacket(b []byte) (c contents, err error) {
	if len(b) >= 5 && kind(b[0]) == kindSum {
		b = b[5:] // memberlist compares it
	}
	if len(b) == 0 || kind(b[0]) != kindCompound {
		return c, c.add(b)
	}
	if len(b) < 2 || b[1] == 0 || len(b) < 2+2*int(b[1]) {
		return c, fmt.Errorf("%w: a compound that is cut off", errMessage)
	}
	sizes, rest := b[2:2+2*int(b[1])], b[2+2*int(b[1]):]
	for ; len(sizes) > 0; sizes = sizes[2:] {
		n := int(binary.BigEndian.Uint16(sizes))
		if n > len(rest) {
			return c, fmt.Errorf("%w: a compound that is cut off", errMessage)
		}
		if err := c.add(rest[:n]); err != nil {
			return c, err
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return c, fmt.Errorf("%w: bytes after a compound", errMessage)
	}
	return c, nil
}

// add checks one message of a packet, and takes note of it.
func (c *contents) add(b []byte) error {
	if err := checkMessage(b); err != nil {
		return err
	}
	c.kinds |= 1 << b[0]
	if kind(b[0]) == kindRelay {
		c.relays++
	}
	return nil
}

// checkMessage checks one message of a packet.
func checkMessage(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: it is empty", errMessage)
	}
	if kind(b[0]) == kindAdverts {
		return nil // memberlist hands them on as they are
	}
	form, known := forms[kind(b[0])]
	if !known {
		return fmt.Errorf("%w: kind %d in a packet", errMessage, b[0])
	}
	_, rest, err := readMap(b[1:], form)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: bytes after it", errMessage)
	}
	return err
}

// checkStream says why what came on a stream may not pass, or nil. It may be a push and pull, or the kind
// that is named.
func checkStream(b []byte, other kind) error {
	if len(b) > 0 && kind(b[0]) == other {
		return checkMessage(b)
	}
	if len(b) == 0 || kind(b[0]) != kindPushPull {
		return fmt.Errorf("%w: not a kind that is expected on this stream", errMessage)
	}
	head, rest, err := readMap(b[1:], formHeader)
	if err != nil {
		return err
	}
	for range head[0].number {
		if _, rest, err = readMap(rest, formNode); err != nil {
			return err
		}
	}
	if uint64(len(rest)) != head[1].number {
		return fmt.Errorf("%w: %d bytes of state, not %d", errMessage, len(rest), head[1].number)
	}
	return nil
}

// readMap reads a map of a form, and returns its values in the form's order.
func readMap(b []byte, form []field) (values []value, rest []byte, err error) {
	if len(b) == 0 || b[0]&0xf0 != 0x80 {
		return nil, nil, fmt.Errorf("%w: expected a map of at most %d fields", errMessage, maxFields)
	}
	n := int(b[0] & 0x0f)
	b = b[1:]
	values = make([]value, len(form))
	for range n {
		var name, v value
		var ok bool
		if name, b, ok = readValue(b); !ok || name.form != formText || len(name.text) > maxFieldName {
			return nil, nil, fmt.Errorf("%w: expected the name of a field", errMessage)
		}
		if v, b, ok = readValue(b); !ok {
			return nil, nil, fmt.Errorf("%w: field %q is no number, text, boolean or nil", errMessage, name.text)
		}
		i := indexOf(form, name.text)
		if i < 0 && len(v.text) > maxFieldText || i >= 0 && (values[i].form != formAbsent || !form[i].fits(v)) {
			return nil, nil, fmt.Errorf("%w: field %q does not fit", errMessage, name.text)
		}
		if i >= 0 {
			values[i] = v
		}
	}
	for i, f := range form {
		if values[i].form == formAbsent && !f.optional {
			return nil, nil, fmt.Errorf("%w: no field %q", errMessage, f.name)
		}
	}
	return values, b, nil
}

// indexOf returns the place of a field in a form, -1 if it has none of that name.
func indexOf(form []field, name []byte) int {
	for i, f := range form {
		if f.name == string(name) {
			return i
		}
	}
	return -1
}

// value is what a field may hold.
type value struct {
	form   valueForm
	number uint64 // or a boolean: 0 or 1
	text   []byte // text or bytes: memberlist's encoder makes no difference
}

type valueForm byte

const (
	formAbsent valueForm = iota
	formNil
	formBool
	formNumber
	formText
)

// readValue reads a value of msgpack that holds no others.
func readValue(b []byte) (v value, rest []byte, ok bool) {
	if len(b) == 0 {
		return value{}, nil, false
	}
	first, b := b[0], b[1:]
	size := 0 // of the number or length that follows
	switch {
	case first <= 0x7f:
		return value{form: formNumber, number: uint64(first)}, b, true
	case first&0xe0 == 0xa0:
		return readText(b, uint64(first&0x1f))
	case first == 0xc0:
		return value{form: formNil}, b, true
	case first == 0xc2, first == 0xc3:
		return value{form: formBool, number: uint64(first & 1)}, b, true
	case isWide(first):
		size = 1 << (first & 3)
	case first == 0xc4, first == 0xd9:
		size = 1
	case first == 0xc5, first == 0xda:
		size = 2
	default:
		return value{}, nil, false
	}
	if len(b) < size {
		return value{}, nil, false
	}
	var wide [8]byte
	copy(wide[8-size:], b)
	n := binary.BigEndian.Uint64(wide[:])
	if isWide(first) {
		negative := first >= 0xd0 && n>>(8*size-1) > 0
		return value{form: formNumber, number: n}, b[size:], !negative
	}
	return readText(b[size:], n)
}

// isWide reports whether a number of 1, 2, 4 or 8 bytes follows, with a sign or without.
func isWide(first byte) bool { return first >= 0xcc && first <= 0xd3 }

// readText returns the first n bytes of b.
func readText(b []byte, n uint64) (v value, rest []byte, ok bool) {
	if n > uint64(len(b)) {
		return value{}, nil, false
	}
	return value{form: formText, text: b[:n]}, b[n:], true
}

func isNumber(most uint64) func(value) bool {
	return func(v value) bool { return v.form == formNumber && v.number <= most }
}

func isPort(v value) bool { return v.form == formNumber && v.number > 0 && v.number < 1<<16 }

func isBool(v value) bool { return v.form == formBool }

// isText takes nothing for nil as memberlist does.
func isText(most int) func(value) bool {
	return func(v value) bool { return v.form == formText && len(v.text) <= most || v.form == formNil }
}

// isAuthor leaves it to the announcement whether the key is usable.
func isAuthor(v value) bool {
	return v.form == formText && len(v.text) == 2*authorSize && !bytes.ContainsFunc(v.text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}

func isAddress(v value) bool { return v.form == formText && (len(v.text) == 4 || len(v.text) == 16) }

// isVersions takes the versions that memberlist 0.7 states and no others: of its protocol at least 1, at
// most 5, now 2; of ours 0. Nobody signs them, and one node that states others would make every push and
// pull with every node fail.
func isVersions(v value) bool {
	return v.form == formText && string(v.text) == "\x01\x05\x02\x00\x00\x00"
}
