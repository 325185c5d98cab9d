package disk

import "testing"

func TestReadAheadBeginsWhenItPays(t *testing.T) {
	skipUncounted(t)
	f := newFile(t)
	const enough = coldWindow / coldPage / coldShare
	for _, test := range []struct {
		name   string
		faults int64 // since the window began
		bytes  int
		starts bool
	}{
		{"warm", 0, coldWindow, false},
		{"a few pages", enough - 1, coldWindow, false},
		{"a page in eight", enough, coldWindow, true},
		{"too little was read", 1000, coldWindow - 1, false},
	} {
		r := f.ReadAhead()
		r.faults = majorFaults() - test.faults
		if test.faults == 0 {
			r.faults = 1 << 60 // whatever the process meets meanwhile
		}
		r.Observe(test.bytes)
		if got := r.stop != nil; got != test.starts {
			t.Errorf("%s: reading ahead is %t", test.name, got)
		}
		r.Close()
		if f.readingAhead.Load() {
			t.Errorf("%s: it goes on after the iteration", test.name)
		}
	}
}

func TestOneIterationReadsAheadForAll(t *testing.T) {
	skipUncounted(t)
	f := newFile(t)
	first, second := f.ReadAhead(), f.ReadAhead()
	f.readingAhead.Store(true) // as another does
	first.faults -= 1000
	first.Observe(coldWindow)
	if first.stop != nil {
		t.Error("two read ahead")
	}
	f.readingAhead.Store(false)
	second.faults -= 1000
	second.Observe(coldWindow)
	if second.stop == nil {
		t.Error("none reads ahead")
	}
	first.Close()
	second.Close()
}

func skipUncounted(t *testing.T) {
	t.Helper()
	if majorFaults() < 0 {
		t.Skip("faults are not counted here")
	}
}
