package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// An op of a newer format ends the run before it.
func TestNewerOp(t *testing.T) {
	ops := chain(t, 3)
	frame := wire.Append(nil, wire.Ops{Author: self, Run: crdt.Run{Ops: ops}})
	at := bytes.Index(frame, ops[1].Bytes())
	frame[at+1] = 2 // the version, after the array's header
	m, _, err := wire.ReadFrame(bytes.NewReader(frame), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(wire.Ops); len(got.Run.Ops) != 1 || got.Newer == nil || got.Newer.Version != 2 {
		t.Errorf("%d ops, then %v", len(got.Run.Ops), got.Newer)
	}
}

// A run with a leave of a newer format is no offence: the leave may be the header of its author's last op.
func TestNewerLeave(t *testing.T) {
	ops := chain(t, 3)
	frame := wire.Append(nil, wire.Ops{Author: self, Run: crdt.Run{Leave: ops[2].Signed, Ops: ops[:2]}})
	frame[bytes.Index(frame, ops[2].Signed.Bytes())+1] = 2
	m, _, err := wire.ReadFrame(bytes.NewReader(frame), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.(wire.Ops); len(got.Run.Ops) != 0 || got.Newer == nil || got.Newer.Version != 2 {
		t.Errorf("%d ops, then %v", len(got.Run.Ops), got.Newer)
	}
}

// A transient event of a newer format is told from one that is malformed.
func TestNewerTransient(t *testing.T) {
	frame := wire.Append(nil, wire.Transient{Hops: 1, Event: broadcast(t, 0)})
	frame[7] = 2 // the version, after the hops and the array's header
	m, _, err := wire.ReadFrame(bytes.NewReader(frame), false)
	if got, ok := m.(wire.Transient); err != nil || !ok || got.Newer == nil || got.Newer.Version != 2 || got.Event.Size() != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestOtherVersion(t *testing.T) {
	_, _, err := wire.ReadFrame(bytes.NewReader(wire.Append(nil, wire.Hello{Version: 7})), false)
	if other, ok := errors.AsType[*wire.VersionError](err); !ok || other.Version != 7 {
		t.Errorf("a hello of version 7: %v", err)
	}
}

// newer reports whether a message holds what this program does not know, and so cannot write again.
func newer(m wire.Message) bool {
	switch m := m.(type) {
	case wire.Ops:
		return m.Newer != nil
	case wire.Transient:
		return m.Newer != nil
	}
	return false
}
