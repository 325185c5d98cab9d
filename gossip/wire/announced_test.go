package wire_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/gossip/wire"
)

// A frame that announces much is refused before memory is taken for it, and one that stops short takes
// no more than what came.
func TestAnnouncedSizes(t *testing.T) {
	frame := []byte{0xff, 0xff, 0xff, 0xff, byte(wire.KindOps)}
	if _, _, err := wire.ReadFrame(bytes.NewReader(frame), false); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a frame of 4 GiB: %v", err)
	}
	frame = []byte{0, 0x10, 0, 0, byte(wire.KindOps), 1, 2, 3}
	allocated := allocatedBy(func() {
		if _, _, err := wire.ReadFrame(bytes.NewReader(frame), false); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("a frame of 1 MiB that stops after 3 bytes: %v", err)
		}
	})
	if allocated > 128<<10 {
		t.Errorf("3 bytes of 1 MiB took %d bytes of memory", allocated)
	}
	if _, _, err := wire.ReadFrame(bytes.NewReader(nil), false); err != io.EOF {
		t.Errorf("the end of a stream: %v", err)
	}
}

// A list of members that announces more than it holds takes no memory for them.
func TestAnnouncedMembers(t *testing.T) {
	body := wire.Append(nil, wire.Members{List: known(3)})[5:]
	body[4], body[5] = byte(wire.MaxMembers>>8), byte(wire.MaxMembers&0xff)
	allocated := allocatedBy(func() {
		if _, err := wire.Parse(wire.KindMembers, body); !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("3 of %d members: %v", wire.MaxMembers, err)
		}
	})
	if allocated > 4<<10 {
		t.Errorf("3 of %d members took %d bytes of memory", wire.MaxMembers, allocated)
	}
}

// allocatedBy returns how many bytes a call of f allocates.
func allocatedBy(f func()) uint64 {
	const calls = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / calls
}
