package membership

import (
	"bytes"
	"compress/lzw"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// The messages below are written from docs/PROTOCOL.md, with no help of memberlist's.

// mapOf returns a map of msgpack: names and values in turns; values are numbers, booleans, texts, bytes,
// nil, or raw for what is to stand as it is.
func mapOf(pairs ...any) []byte {
	b := []byte{0x80 | byte(len(pairs)/2)}
	for _, p := range pairs {
		switch p := p.(type) {
		case nil:
			b = append(b, 0xc0)
		case bool:
			b = append(b, 0xc2)
			if p {
				b[len(b)-1] = 0xc3
			}
		case int:
			b = binary.BigEndian.AppendUint32(append(b, 0xce), uint32(p))
		case string:
			b = append(append(b, 0xd9, byte(len(p))), p...)
		case []byte:
			b = append(binary.BigEndian.AppendUint16(append(b, 0xc5), uint16(len(p))), p...)
		case raw:
			b = append(b, p...)
		}
	}
	return b
}

type raw []byte

func messageOf(k kind, pairs ...any) []byte { return append([]byte{byte(k)}, mapOf(pairs...)...) }

var (
	nodeName    = crdt.AuthorOf(keyOf(1)).String()
	insiderName = crdt.AuthorOf(keyOf(2)).String()
	vsn         = []byte{1, 5, 2, 0, 0, 0}
	ip          = []byte{10, 9, 9, 9}
)

func pingOf(seq int) []byte { return messageOf(kindPing, "SeqNo", seq, "Node", nodeName) }

func relayOf() []byte {
	return messageOf(kindRelay, "SeqNo", 1, "Target", ip, "Port", 7946, "Node", insiderName, "Nack", true)
}

func aliveOf(n byte) []byte {
	a := announce(keyOf(n), log1, addr, 1, "")
	return messageOf(kindAlive, "Incarnation", 1, "Node", a.Name, "Addr", []byte(a.Addr), "Port", int(a.Port), "Meta", a.Meta, "Vsn", vsn)
}

func headerOf(nodes, state int) []byte {
	return mapOf("Nodes", nodes, "UserStateLen", state, "Join", true)
}

// pushPullOf returns a push of n nodes that nobody has signed.
func pushPullOf(n int, state []byte) []byte {
	b := append([]byte{byte(kindPushPull)}, headerOf(n, len(state))...)
	node := mapOf("Name", insiderName, "Addr", ip, "Port", 7946, "Meta", make([]byte, maxMeta), "Incarnation", 1, "State", 0, "Vsn", vsn)
	for range n {
		b = append(b, node...)
	}
	return append(b, state...)
}

// ghostsOf returns a push of n nodes that nobody has seen, each signed with a key of its own.
func ghostsOf(n int) []byte {
	b := append([]byte{byte(kindPushPull)}, headerOf(n, 0)...)
	for i := range n {
		key := ed25519.NewKeyFromSeed(binary.BigEndian.AppendUint32(make([]byte, 28), uint32(i)))
		a := announce(key, log1, addr, 1, "")
		b = append(b, mapOf("Name", a.Name, "Addr", []byte(a.Addr), "Port", int(a.Port), "Meta", a.Meta, "Incarnation", 1, "State", 0, "Vsn", vsn)...)
	}
	return b
}

func compoundOf(parts ...[]byte) []byte {
	b := []byte{byte(kindCompound), byte(len(parts))}
	for _, p := range parts {
		b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
	}
	return append(b, slices.Concat(parts...)...)
}

func summed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{byte(kindSum)}, crc32.ChecksumIEEE(b)), b...)
}

// packed returns a message of memberlist's that unpacks to n bytes.
func packed(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lzw.NewWriter(&b, lzw.LSB, 8)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return messageOf(9, "Algo", 0, "Buf", b.Bytes())
}

func TestWhatMayPassInAPacket(t *testing.T) {
	for name, b := range map[string][]byte{
		"ping":            pingOf(1),
		"ping from":       messageOf(kindPing, "SeqNo", 1, "Node", nodeName, "SourceAddr", ip, "SourcePort", 1, "SourceNode", insiderName),
		"ping for others": relayOf(),
		"ack":             messageOf(kindAck, "SeqNo", 1, "Payload", nil),
		"nack":            messageOf(kindNack, "SeqNo", 1),
		"suspect":         messageOf(kindSuspect, "Incarnation", 1, "Node", nodeName, "From", insiderName),
		"dead":            messageOf(kindDead, "Incarnation", 1, "Node", nodeName, "From", insiderName),
		"alive":           aliveOf(3),
		"adverts":         {byte(kindAdverts), 1},
		"summed":          summed(aliveOf(3)),
		"compound":        compoundOf(pingOf(1), aliveOf(3)),
		"summed compound": summed(compoundOf(pingOf(1))),
		"with a sign":     messageOf(kindNack, "SeqNo", raw{0xd1, 0x7f, 0xff}),
		"a new field":     messageOf(kindNack, "SeqNo", 1, "New", "text", "Newer", nil, "Newest", false),
	} {
		if _, err := checkPacket(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatNoMemberSends(t *testing.T) {
	deep := raw(bytes.Repeat([]byte{0x91}, 1000))
	for name, b := range map[string][]byte{
		"nothing":               {},
		"summed nothing":        summed(nil),
		"push and pull":         pushPullOf(1, nil),
		"packed":                packed(t, 100),
		"sealed twice":          {10, 0, 0, 0, 1},
		"error":                 messageOf(13, "Error", "x"),
		"label":                 {labelMark, 1, 'x'},
		"unknown kind":          {99},
		"summed twice":          summed(summed(pingOf(1))),
		"compound in compound":  compoundOf(compoundOf(pingOf(1))),
		"compound of nothing":   compoundOf(),
		"compound, empty part":  compoundOf(pingOf(1), nil),
		"compound, cut":         compoundOf(pingOf(1), pingOf(2))[:90],
		"compound, cut lengths": {byte(kindCompound), 9, 0},
		"compound and more":     append(compoundOf(pingOf(1)), 0),
		"bytes after it":        append(pingOf(1), 0),
		"no map":                {byte(kindPing), 0x92, 1, 2},
		"a large map":           {byte(kindPing), 0xde, 0xff, 0xff},
		"cut":                   pingOf(1)[:20],
		"missing field":         messageOf(kindPing, "SeqNo", 1),
		"field twice":           messageOf(kindNack, "SeqNo", 1, "SeqNo", 1),
		"no name":               messageOf(kindNack, 7, 1),
		"long name":             messageOf(kindNack, "SeqNo", 1, strings.Repeat("x", 33), 1),
		"long new text":         messageOf(kindNack, "SeqNo", 1, "New", make([]byte, 513)),
		"nested":                messageOf(kindNack, "SeqNo", 1, "New", deep),
		"float":                 messageOf(kindNack, "SeqNo", raw{0xca, 0, 0, 0, 0}),
		"negative":              messageOf(kindNack, "SeqNo", raw{0xff}),
		"negative, wide":        messageOf(kindNack, "SeqNo", raw{0xd2, 0x80, 0, 0, 0}),
		"too large":             messageOf(kindNack, "SeqNo", raw{0xcf, 0, 0, 0, 1, 0, 0, 0, 0}),
		"32-bit text":           messageOf(kindNack, "SeqNo", 1, "New", raw{0xdb, 0, 0, 0, 1, 'x'}),
		"text for number":       messageOf(kindNack, "SeqNo", "1"),
		"payload":               messageOf(kindAck, "SeqNo", 1, "Payload", "x"),
		"port 0":                messageOf(kindRelay, "SeqNo", 1, "Target", ip, "Port", 0, "Node", nodeName, "Nack", true),
		"address of 5 bytes":    messageOf(kindRelay, "SeqNo", 1, "Target", []byte("12345"), "Port", 1, "Node", nodeName, "Nack", true),
		"no author":             messageOf(kindPing, "SeqNo", 1, "Node", "me"),
		"author in capitals":    messageOf(kindPing, "SeqNo", 1, "Node", strings.ToUpper(nodeName)),
		"other versions":        messageOf(kindAlive, "Incarnation", 1, "Node", nodeName, "Addr", ip, "Port", 1, "Meta", ip, "Vsn", []byte{5, 5, 5, 0, 0, 0}),
		"much metadata":         messageOf(kindAlive, "Incarnation", 1, "Node", nodeName, "Addr", ip, "Port", 1, "Meta", make([]byte, maxMeta+1), "Vsn", vsn),
	} {
		if _, err := checkPacket(b); !errors.Is(err, errMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatMayPassOnAStream(t *testing.T) {
	for name, v := range map[string]struct {
		b     []byte
		wrong bool
	}{
		"ping":              {pingOf(1), false},
		"push":              {pushPullOf(3, make([]byte, 32)), false},
		"nobody":            {pushPullOf(0, nil), false},
		"nothing":           {nil, true},
		"user message":      {[]byte{8, 0x81, 0xaa}, true},
		"alive":             {aliveOf(3), true},
		"packed":            {packed(t, 100), true},
		"too many":          {pushPullOf(maxNodes+1, nil), true},
		"less than claimed": {pushPullOf(3, nil)[:500], true},
		"more than claimed": {append(pushPullOf(3, nil), 0), true},
		"negative count":    {append([]byte{byte(kindPushPull)}, mapOf("Nodes", raw{0xff}, "UserStateLen", 0, "Join", true)...), true},
		"long state":        {pushPullOf(0, make([]byte, maxUserState+1)), true},
	} {
		if err := checkStream(v.b, kindPing); (err != nil) != v.wrong || v.wrong && !errors.Is(err, errMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkStream(pingOf(1), kindAck); err == nil {
		t.Error("a ping passes for an answer")
	}
}
