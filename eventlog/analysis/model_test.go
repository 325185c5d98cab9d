package analysis_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
)

// naive is a join by a loop in a loop over entries that it sorts itself: each end looks at all starts.
func naive(j analysis.Join, all []eventlog.Entry) []string {
	all = slices.SortedFunc(slices.Values(all), func(a, b eventlog.Entry) int {
		byKind := 0
		if j.Scale == analysis.ByTime {
			byKind = -cmp.Compare(a.Kind, b.Kind) // sent before paid
			return cmp.Or(a.Time.Compare(b.Time), byKind, crdt.CompareEntries(a.Entry, b.Entry))
		}
		return crdt.CompareCausal(a.Entry, b.Entry)
	})
	within := cmp.Or(j.Within, math.MaxInt64)
	near := func(s, e int) (time.Duration, bool) {
		d := all[e].Time.Sub(all[s].Time)
		if j.Scale == analysis.ByClock {
			d = all[e].Clock.Time().Sub(all[s].Clock.Time())
		}
		return d, s < e && all[s].Subject == all[e].Subject && d <= within
	}
	var lines []string
	ends := make(map[int]int) // how many each start has
	for e := range all {
		if all[e].Kind != "paid" {
			continue
		}
		found, taken, after := -1, false, -1
		for s := range all {
			_, ok := near(s, e)
			switch {
			case all[s].Kind != "sent":
			case ok && ends[s] > 0 && j.Pairing != analysis.OneToMany:
				taken = true
			case ok && (found < 0 || j.Pairing != analysis.Oldest):
				found = s
			}
			if _, ok := near(e, s); ok && all[s].Kind == "sent" && after < 0 {
				after = s
			}
		}
		switch {
		case found >= 0:
			ends[found]++
			d, _ := near(found, e)
			lines = append(lines, fmt.Sprintf("paired s%d e%d %s", all[found].Seq, all[e].Seq, d))
		case taken:
			lines = append(lines, fmt.Sprintf("end-alone e%d repeated", all[e].Seq))
		case after >= 0:
			lines = append(lines, fmt.Sprintf("end-alone s%d e%d", all[after].Seq, all[e].Seq))
		default:
			lines = append(lines, fmt.Sprintf("end-alone e%d", all[e].Seq))
		}
	}
	for s := range all {
		if all[s].Kind == "sent" && ends[s] == 0 {
			lines = append(lines, fmt.Sprintf("start-alone s%d", all[s].Seq))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestJoinIsThatOfANestedLoop holds the join against the naive one, over entries in any order that are
// close to each other in time.
func TestJoinIsThatOfANestedLoop(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := sentPaid()
		j.Within = time.Duration(rapid.IntRange(0, 5).Draw(rt, "within")) * time.Millisecond
		j.Pairing = analysis.Pairing(rapid.IntRange(0, 2).Draw(rt, "pairing"))
		j.Scale = analysis.Scale(rapid.IntRange(0, 1).Draw(rt, "scale"))
		var all []eventlog.Entry
		for i := range rapid.IntRange(0, 40).Draw(rt, "entries") {
			e := eventlog.Entry{Entry: crdt.Entry{Seq: uint64(i)}}
			e.Author[0] = rapid.Byte().Draw(rt, "author") % 3
			e.Kind = rapid.SampledFrom([]string{"sent", "paid"}).Draw(rt, "kind")
			e.Subject = rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "subject")
			e.Time = begin.Add(time.Duration(rapid.IntRange(0, 24).Draw(rt, "time")) * 500 * time.Microsecond)
			e.Clock = crdt.ClockAt(e.Time) + crdt.Clock(rapid.IntRange(0, 1).Draw(rt, "counter"))
			all = append(all, e)
		}
		var got []string
		for o, err := range j.Outcomes(seq(all)) {
			if err != nil {
				rt.Fatal(err)
			}
			// Which start of a key came while another waited is told by TestPairing.
			if o.Verdict != analysis.EndAlone {
				o.Start.Repeated = false
			}
			got = append(got, line(&o))
		}
		slices.Sort(got)
		if diff := gocmp.Diff(naive(j, all), got); diff != "" {
			rt.Errorf("outcomes (-naive +got):\n%s", diff)
		}
	})
}
