package eventlog_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

var (
	stormSeeds = flag.Int("storms", 0, "how many files TestStorms damages; 0 is 400, of which it takes each thirtieth without QUIPU_E2E=1")
	stormFirst = flag.Uint64("storm", 1, "the seed of the first of them")
	stormFile  = flag.String("stormfile", "", "a file that TestStorms has kept, to be tried instead of the one of the seed")
)

// TestStorms damages files at random: bits, pages and sectors of them, older versions of a page, pages in each other's
// places, an end that is cut off. Whatever it is, the file opens and shows what was written, or says what is wrong; and
// what is salvaged of it is whole again once a peer has given back what is missing. Without QUIPU_E2E=1 it is each
// thirtieth of 400 seeds, from one that is drawn.
func TestStorms(t *testing.T) {
	n, first, step := *stormSeeds, 0, 1
	if n == 0 {
		n = 400
		first, step = sampled(30)
	}
	var s *sea
	for i := first; i < n; i += step {
		seed := *stormFirst + uint64(i)
		if s == nil || seed/100 != (seed-uint64(step))/100 {
			s = newSea(t, seed/100)
		}
		storm(t, s, seed)
	}
}

// storm damages the file as the seed says.
func storm(t *testing.T, s *sea, seed uint64) {
	b, size, how, state := s.wreck(rand.New(rand.NewPCG(seed, 3)))
	if *stormFile != "" {
		var err error
		b, err = os.ReadFile(*stormFile)
		must(t, err)
		size = int64(len(b))
	}
	v := &voyage{T: t, sea: s, dir: flood(t, b, size), b: b, state: state}
	defer func() {
		fault := recover()
		if !v.Failed() && fault == nil {
			return
		}
		kept := filepath.Join(os.TempDir(), fmt.Sprintf("storm-%d.db", seed)) // which pages are free is bbolt's chance
		must(t, os.WriteFile(kept, b, 0o600))
		must(t, os.Truncate(kept, size))
		t.Fatalf("-run TestStorms -storms 1 -storm %d -stormfile %s: %v %v", seed, kept, how, fault)
	}()
	v.asItIs()
	v.salvaged()
}

// voyage is one damaged file.
type voyage struct {
	*testing.T
	*sea
	dir   string
	b     []byte // the file
	state bool   // some of the follower's state was changed
}

// asItIs opens the file as it is and reads all of it: nothing is shown that was not written, and what is not shown is told.
func (v *voyage) asItIs() {
	l, err := eventlog.Open(v.dir, v.cfg)
	if err != nil {
		v.wantDamage("open", err)
		return
	}
	defer l.Close()
	silent := false
	for _, q := range []eventlog.Query{{}, {Order: eventlog.Causal}, {Order: eventlog.Arrival}, {Reverse: true}, {Subjects: []string{"subject-3"}}} {
		n := 0
		for e, err := range l.Entries(v.Context(), q) {
			if err != nil {
				v.wantDamage("read", err)
				n = len(v.shown)
				break
			}
			if payload, known := v.all[nameOf(e)]; !known || payload != string(e.Payload) {
				v.Errorf("it shows %s as %d bytes", nameOf(e), len(e.Payload))
			}
			n++
		}
		silent = silent || n < len(v.shown) && q.Subjects == nil
	}
	report, err := l.Verify(v.Context())
	if err != nil {
		v.wantDamage("verify", err)
	} else if silent && report.OK() {
		v.Errorf("it shows fewer entries than there were, and verifies")
	}
}

func (v *voyage) wantDamage(doing string, err error) {
	_, damaged := errors.AsType[*eventlog.DamagedError](err)
	if !damaged && !errors.Is(err, eventlog.ErrFormat) && !errors.Is(err, eventlog.ErrWrongKey) {
		v.Errorf("%s: %v", doing, err)
	}
}

// salvaged salvages the file, has a peer give back what is missing, and compares.
func (v *voyage) salvaged() {
	report, err := eventlog.Salvage(v.Context(), v.dir, v.cfg, nil)
	if at, _, _ := record.Find(v.b, record.Marker(crdt.LogID{})); at < 0 && err != nil && strings.Contains(err.Error(), "no op and no meta") {
		return // so little was left of it
	}
	if err != nil {
		v.Fatalf("salvage: %v", err)
	}
	l, err := eventlog.Open(v.dir, v.cfg)
	if err != nil {
		v.Fatalf("open what was salvaged: %v\n%+v", err, report)
	}
	defer l.Close()
	if g := eventlogtest.Genesis(v); !report.Genesis {
		must(v, l.SetGenesis(g))
	}
	v.repair(l)
	v.compare(l, report)
}

// repair brings back what is missing.
func (v *voyage) repair(l *eventlog.Log) {
	if _, err := l.Verify(v.Context()); err != nil {
		v.Fatal(err)
	}
	for round := 0; ; round++ {
		holes, err := l.Damaged(v.Context())
		must(v, err)
		if len(holes) == 0 || round == 3 {
			break
		}
		for _, h := range holes {
			if s, ok, err := v.peer.PlanSpan(v.Context(), h); ok {
				must(v, err)
				give(v.T, v.peer, l, s)
			}
		}
	}
	eventlogtest.Exchange(v, v.peer, l)
}

// give has one log read a segment, and the other take it.
func give(t *testing.T, from, to *eventlog.Log, s crdt.Segment) {
	for {
		run, err := from.Read(t.Context(), &s, 1<<20)
		must(t, err)
		if len(run.Ops) == 0 {
			return
		}
		if _, err := to.Apply(t.Context(), []crdt.Run{run}); err != nil {
			t.Fatal(err)
		}
	}
}

// compare holds the log, which was repaired, against what it was.
func (v *voyage) compare(l *eventlog.Log, report eventlog.SalvageReport) {
	got, problems := entries(v, l), 0
	if k := lacks(v.all, got); k != "" {
		v.Errorf("it shows %s otherwise", k)
	}
	if k := lacks(got, v.shown); k != "" {
		v.Errorf("it lacks %s: %+v", k, report)
	}
	verified, err := l.Verify(context.WithoutCancel(v.Context()))
	must(v, err)
	for _, p := range verified.Problems {
		if problems++; problems < 5 {
			v.Errorf("repaired: %s", p)
		}
	}
	if !l.Frontier().Equal(v.peer.Frontier()) {
		v.Errorf("frontiers differ: %+v", report)
	}
	v.follower(l, report)
}

// follower holds the follower's state against what it was, unless the report names something of it.
func (v *voyage) follower(l *eventlog.Log, report eventlog.SalvageReport) {
	state, cursor := toldTo(v, l)
	if k := lacks(v.told, state); k != "" && len(report.Lost) == 0 && report.Current && !v.state {
		v.Errorf("the follower was told %s otherwise, and nothing says so: cursor %d, was %d, %+v", k, cursor, v.cursor, report)
	}
	if len(report.Lost) > 0 || !report.Current || v.state {
		return
	}
	follow(v, l)
	state, _ = toldTo(v, l)
	for k, n := range state {
		if n != "x" {
			v.Errorf("%s was told %d times, and nothing says so: %+v", k, len(n), report)
			break
		}
	}
}
