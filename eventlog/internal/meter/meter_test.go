package meter

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

type roomless struct{ error }

func (roomless) NoRoom() bool { return true }

type odd struct{}

func (*odd) Error() string { return "odd" }

// TestWhatFailsHasOneClass: the first of the classes that an error is of counts it, what is of none is of the last, and what
// succeeds is no failure.
func TestWhatFailsHasOneClass(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	m := New([]Class{{Err: one, Name: "first"}, {Err: two, Name: "second"}, {Err: errors.ErrUnsupported, Name: "second"}, {Is: Of[*odd], Name: "odd"}})
	for _, err := range []error{
		fmt.Errorf("wrapped: %w", one), errors.Join(two, one), two, errors.ErrUnsupported, errors.New("none"), roomless{one}, &odd{}, nil, nil,
	} {
		m.Called(err)
	}
	r := m.Read()
	for name, want := range map[string]uint64{"first": 2, "second": 2, "odd": 1, Other: 1, NoRoom: 1} {
		if r.Failed[name] != want {
			t.Errorf("%s: %d, want %d", name, r.Failed[name], want)
		}
	}
	if r.Calls != 2 || len(r.Failed) != 5 {
		t.Errorf("%d calls, failures %v", r.Calls, r.Failed)
	}
}

// TestWhereObservationsGo: each is in the first place whose bound is not below it, or behind the last.
func TestWhereObservationsGo(t *testing.T) {
	h := NewHistogram(1, 10, 100)
	for _, size := range []uint64{0, 1, 2, 10, 11, 100, 101, 1 << 40} {
		h.Observe(size)
	}
	d := h.Read()
	if !slices.Equal(d.Counts, []uint64{2, 2, 2, 2}) || d.Count() != 8 || d.Sum != 225+1<<40 {
		t.Errorf("%+v", d)
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(7) }); n != 0 {
		t.Errorf("an observation takes %v allocations", n)
	}
}

// TestCommits: a commit that appends nothing is one, and no lot.
func TestCommits(t *testing.T) {
	m := New(nil)
	m.Committed(0, 0, time.Second, time.Millisecond)
	m.Committed(3, 90, 2*time.Second, -1)
	m.Gathered(time.Microsecond)
	r := m.Read()
	if r.Commit.Count() != 2 || r.Commit.Sum != uint64(3*time.Second) || r.Sync.Sum != uint64(time.Millisecond) || r.Lot.Count() != 1 || r.Entries != 3 || r.Bytes != 90 || r.Gather.Counts[0] != 1 {
		t.Errorf("%+v", r)
	}
	if n := testing.AllocsPerRun(100, func() { m.Called(nil); m.Committed(1, 1, 1, 1) }); n != 0 {
		t.Errorf("counting takes %v allocations", n)
	}
}

// TestUpdates: an update is a call where it has appended, and a failure where it is not the caller's function that has ended
// it for a reason of its own.
func TestUpdates(t *testing.T) {
	known, own, damage := errors.New("known"), errors.New("own"), errors.New("damage")
	for name, test := range map[string]struct {
		update        Update
		err           error
		calls, failed uint64 // of the class, or of no class
		class         string
	}{
		"appended":              {Update{Entries: 1}, nil, 1, 0, Other},
		"appended nothing":      {Update{}, nil, 0, 0, Other},
		"did not commit":        {Update{Entries: 1}, known, 0, 1, "known"},
		"failed behind it":      {Update{Entries: 1}, errors.New("file"), 0, 1, Other},
		"was called off":        {Update{Entries: 1, Own: own}, own, 0, 0, Other},
		"was told and gave up":  {Update{Own: known}, fmt.Errorf("gave up: %w", known), 0, 1, "known"},
		"met damage":            {Update{Own: damage, Damage: damage}, damage, 0, 1, Other},
		"met damage, went on":   {Update{Damage: damage}, damage, 0, 1, Other},
		"met damage, own error": {Update{Own: own, Damage: damage}, damage, 0, 1, Other},
	} {
		m := New([]Class{{Err: known, Name: "known"}})
		if err := m.Updated(&test.update, test.err); err != test.err {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
		all := uint64(0)
		r := m.Read()
		for _, n := range r.Failed {
			all += n
		}
		if r.Calls != test.calls || r.Failed[test.class] != test.failed || all != test.failed {
			t.Errorf("%s: %d calls, failures %v", name, r.Calls, r.Failed)
		}
	}
}
