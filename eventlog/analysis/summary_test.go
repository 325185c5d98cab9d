package analysis_test

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
)

func summarize(t testing.TB, j analysis.Join, b analysis.Breakdown, all []eventlog.Entry) *analysis.Summary {
	t.Helper()
	s, err := analysis.Summarize(j.Outcomes(seq(all)), b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSortingKeepsLatencyAndFeeTogether: system C sorted the latencies and the fees of its payments each by
// themselves, and no fee was that of its payment any more.
func TestSortingKeepsLatencyAndFeeTogether(t *testing.T) {
	j := sentPaid()
	j.Number.Field = pointer(t, "/fee")
	s := summarize(t, j, analysis.Breakdown{Slowest: 3}, entries(t,
		"sent a 0s", `paid a 2s {"fee":30}`, "sent b 10s", `paid b 19s {"fee":10}`,
		"sent c 20s", `paid c 21s {"fee":"20.5"}`, "sent d 30s", `paid d 35s {"fee":"?"}`))
	var got []string
	for _, o := range s.Slowest {
		got = append(got, line(&o))
	}
	want(t, got, "paired s2 e3 9s 10", "paired s6 e7 5s", "paired s0 e1 2s 30")
	if diff := cmp.Diff(analysis.Numbers{Count: 3, Missing: 1, Sum: "60.5", Average: "20.1667"}, s.Total.Number); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if s.Total.Latency.Median != 2*time.Second {
		t.Errorf("median %s, want 2s", s.Total.Latency.Median)
	}
}

// TestSumsAreExact adds numbers that no float holds.
func TestSumsAreExact(t *testing.T) {
	for _, c := range []struct {
		numbers      []string
		sum, average string
		missing      uint64
	}{
		{[]string{"0.1", "0.2"}, "0.3", "0.1500", 0},
		{[]string{"9007199254740993", "1"}, "9007199254740994", "4503599627370497.000", 0},
		{[]string{"99999999999999999999999999999999", "0.00000000000000000001"}, "99999999999999999999999999999999.00000000000000000001", "49999999999999999999999999999999.50000000000000000000500", 0},
		{[]string{"1e3", "-2.50", `"7"`}, "1004.50", "334.83333", 0},
		{[]string{"1e65", "1e-65", "true", `""`, `" 1"`, `"1 "`, `"0x1"`, `"NaN"`, "[1]", "2"}, "2", "2.000", 9},
		{[]string{"null", "1" + strings.Repeat("0", analysis.MaxDigits), "0." + strings.Repeat("1", analysis.MaxDigits)}, "0", "", 3},
		{[]string{"-1" + strings.Repeat("0", analysis.MaxDigits-1)}, "-1" + strings.Repeat("0", analysis.MaxDigits-1), "-1" + strings.Repeat("0", analysis.MaxDigits-1) + ".000", 0},
	} {
		j := sentPaid()
		j.Number.Field = pointer(t, "/n")
		var all []eventlog.Entry
		for i, n := range c.numbers {
			all = append(all, entry(t, 2*i, fmt.Sprintf("sent %d 0s", i)), entry(t, 2*i+1, fmt.Sprintf(`paid %d 1s {"n":%s}`, i, n)))
		}
		got := summarize(t, j, analysis.Breakdown{}, all).Total.Number
		if diff := cmp.Diff(analysis.Numbers{Count: uint64(len(c.numbers)) - c.missing, Missing: c.missing, Sum: c.sum, Average: c.average}, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.numbers, diff)
		}
	}
}

func TestSuccess(t *testing.T) {
	log := entries(t, "sent a 0s", `paid a 1s {"status":"ok","code":0}`, "sent b 0s", `failed b 1s {"status":"no","code":null}`,
		"sent c 0s", `paid c 1s {"status":7}`, "sent d 0s", "paid d 1s")
	for _, c := range []struct {
		success                      analysis.Condition
		succeeded, failed, undecided uint64
		rate                         uint64
	}{
		{analysis.Condition{}, 0, 0, 4, 0},
		{analysis.Condition{Kinds: []string{"paid"}}, 3, 1, 0, 7500},
		{analysis.Condition{Field: pointer(t, "/status"), Equals: "ok"}, 1, 2, 1, 2500},
		{analysis.Condition{Field: pointer(t, "/status"), Equals: "7"}, 1, 2, 1, 2500},
		{analysis.Condition{Field: pointer(t, "/code"), Equals: "null"}, 1, 1, 2, 2500},
	} {
		j := sentPaid()
		j.Success = c.success
		g := summarize(t, j, analysis.Breakdown{}, log).Total
		rate, known := g.SuccessRate()
		if g.Succeeded != c.succeeded || g.Failed != c.failed || g.Undecided != c.undecided || rate != c.rate || known != (c.rate > 0) {
			t.Errorf("%+v: %d succeeded, %d failed, %d undecided, rate %d, %t", c.success, g.Succeeded, g.Failed, g.Undecided, rate, known)
		}
	}
}

func TestGroups(t *testing.T) {
	log := entries(t, "sent a 0s", "paid a 1s", "sent b 0s", "paid b 2s", "sent c 0s", "paid d 0s", "sent  0s")
	for i, module := range []string{"x", "other", "", "x", "x", "y", ""} {
		log[i].Module = module
	}
	s := summarize(t, sentPaid(), analysis.Breakdown{By: analysis.ByModule}, log)
	var got []string
	for _, g := range append([]analysis.Group{s.Total}, s.Groups...) {
		got = append(got, fmt.Sprintf("%q: %d pairs, %d+%d alone, %d keyless, %s", g.Name, g.Pairs, g.StartsAlone, g.EndsAlone, g.Keyless, g.Latency.Max))
	}
	want(t, got, `"": 2 pairs, 1+1 alone, 1 keyless, 2s`, `"": 1 pairs, 0+0 alone, 1 keyless, 2s`,
		`"x": 1 pairs, 1+0 alone, 0 keyless, 1s`, `"y": 0 pairs, 0+1 alone, 0 keyless, 0s`)
	s = summarize(t, sentPaid(), analysis.Breakdown{By: analysis.ByAuthor}, log)
	// An end alone is of its own module, whatever comes after it.
	early := entries(t, "paid a 0s", "sent a 1s")
	early[0].Module, early[1].Module = "x", "y"
	if s := summarize(t, sentPaid(), analysis.Breakdown{By: analysis.ByModule}, early); s.Groups[0].EndsBeforeStart != 1 || s.Groups[1].StartsAlone != 1 {
		t.Errorf("an end before its start: %+v", s.Groups)
	}
	if len(s.Groups) != 1 || s.Groups[0].Pairs != 2 {
		t.Errorf("by author: %+v", s.Groups)
	}
}

// TestGroupsAreBounded has more modules than there may be groups.
func TestGroupsAreBounded(t *testing.T) {
	var all []eventlog.Entry
	for i := range analysis.MaxGroups + 2 {
		e := entry(t, i, "sent a 0s")
		e.Subject, e.Module = fmt.Sprint(i), fmt.Sprint(i)
		all = append(all, e)
	}
	s := summarize(t, sentPaid(), analysis.Breakdown{By: analysis.ByModule}, all)
	if len(s.Groups) != analysis.MaxGroups || s.Others == nil || s.Others.StartsAlone != 2 || s.Total.StartsAlone != analysis.MaxGroups+2 {
		t.Errorf("%d groups, others %+v", len(s.Groups), s.Others)
	}
}

func TestCountsOfTheSummary(t *testing.T) {
	log := entries(t, "sent a 0s", "sent a 1s", "paid a 2s", "paid a 3s", "paid a 4s", "paid b 5s", "sent b 6s", "paid  7s", "sent c 8s")
	g := summarize(t, sentPaid(), analysis.Breakdown{}, log).Total
	got := fmt.Sprintf("%d/%d pairs, %d+%d alone, %d+%d repeated, %d before, %d keyless", g.PairedStarts, g.Pairs, g.StartsAlone, g.EndsAlone, g.RepeatedStarts, g.RepeatedEnds, g.EndsBeforeStart, g.Keyless)
	if want := "2/2 pairs, 2+2 alone, 1+1 repeated, 1 before, 1 keyless"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	j := sentPaid()
	j.Pairing = analysis.OneToMany
	g = summarize(t, j, analysis.Breakdown{}, log).Total
	if g.PairedStarts != 1 || g.Pairs != 3 || g.StartsAlone != 3 || g.RepeatedStarts != 1 {
		t.Errorf("one to many: %+v", g)
	}
}

// pairsOf yields pairs with the given latencies.
func pairsOf(latencies []uint64) func(yield func(analysis.Outcome, error) bool) {
	return func(yield func(analysis.Outcome, error) bool) {
		for i, d := range latencies {
			o := analysis.Outcome{Latency: time.Duration(d), Nth: 1}
			o.End.Place.Seq = uint64(i)
			if !yield(o, nil) {
				return
			}
		}
	}
}

// TestLatenciesAreThoseOfASortedSlice holds sums and percentiles against the definition, exact ones and
// those of a sketch, whose error is bounded.
func TestLatenciesAreThoseOfASortedSlice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SampledFrom([]uint64{3, 1 << 12, 1 << 40, 1<<63 - 1})
		values := rapid.SliceOfN(rapid.Uint64Range(0, sizes.Draw(rt, "size")), 1, 300).Draw(rt, "latencies")
		room := rapid.SampledFrom([]int{1000, 5}).Draw(rt, "room")
		s, err := analysis.Summarize(pairsOf(values), analysis.Breakdown{MaxExact: room})
		if err != nil {
			rt.Fatal(err)
		}
		l := s.Total.Latency
		total := new(big.Int)
		for _, v := range values {
			total.Add(total, new(big.Int).SetUint64(v))
		}
		n := big.NewInt(int64(len(values)))
		average := new(big.Int).Add(new(big.Int).Lsh(total, 1), n)
		average.Div(average, new(big.Int).Lsh(n, 1)) // half up
		slices.Sort(values)
		if l.Total.Cmp(total) != 0 || int64(l.Average) != average.Int64() || uint64(l.Min) != values[0] || uint64(l.Max) != values[len(values)-1] {
			rt.Errorf("total %s, average %d, min %d, max %d of %v", l.Total, l.Average, l.Min, l.Max, values)
		}
		if l.Exact != (len(values) <= room) {
			rt.Errorf("%d latencies with room for %d: exact is %t", len(values), room, l.Exact)
		}
		for p, got := range map[int]time.Duration{50: l.Median, 95: l.P95, 99: l.P99} {
			exact := values[(len(values)*p+99)/100-1]
			off := max(uint64(got), exact) - min(uint64(got), exact)
			if l.Exact && off > 0 || float64(off) > analysis.SketchError*float64(exact) {
				rt.Errorf("p%d is %d, want %d (exact: %t)", p, got, exact, l.Exact)
			}
		}
	})
}

// TestTotalIsPast64Bits adds up the greatest latencies there are.
func TestTotalIsPast64Bits(t *testing.T) {
	s, err := analysis.Summarize(pairsOf([]uint64{1<<63 - 1, 1<<63 - 1, 1<<63 - 1, 1<<63 - 3}), analysis.Breakdown{})
	if err != nil || s.Total.Latency.Total.String() != "36893488147419103226" || s.Total.Latency.Average != 1<<63-1 {
		t.Errorf("total %s, average %d, %v", s.Total.Latency.Total, s.Total.Latency.Average, err)
	}
}

func TestSlowestAreThoseOfASortedSlice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint64Range(0, 9), 0, 30).Draw(rt, "latencies")
		most := rapid.IntRange(0, 5).Draw(rt, "slowest")
		s, err := analysis.Summarize(pairsOf(values), analysis.Breakdown{Slowest: most})
		if err != nil {
			rt.Fatal(err)
		}
		places := make([]int, len(values))
		for i := range places {
			places[i] = i
		}
		slices.SortStableFunc(places, func(a, b int) int { return int(values[b]) - int(values[a]) })
		var got []int
		for _, o := range s.Slowest {
			got = append(got, int(o.End.Place.Seq))
		}
		if !slices.Equal(got, places[:min(most, len(places))]) {
			rt.Errorf("slowest %v of %v, want the first %d of %v", got, values, most, places)
		}
	})
}

func TestBreakdownsThatMakeNoSense(t *testing.T) {
	for _, b := range []analysis.Breakdown{{By: 3}, {Slowest: -1}, {Slowest: analysis.MaxSlowest + 1}, {MaxExact: -1}} {
		if s, err := analysis.Summarize(pairsOf(nil), b); !errors.Is(err, analysis.ErrBreakdown) {
			t.Errorf("%+v: %+v, %v", b, s, err)
		}
	}
}

func TestCensus(t *testing.T) {
	var c analysis.Census
	log := entries(t, "b x 2s", "a x 1s", "b x 3s")
	log[0].Module, log[1].Disputed, log[2].Author[31] = "m", true, 7
	for i := range log {
		c.Add(&log[i])
	}
	if c.Entries != 3 || c.Disputed != 1 || !c.First.Equal(begin.Add(time.Second)) || !c.Last.Equal(begin.Add(3*time.Second)) {
		t.Errorf("census %+v", c)
	}
	if diff := cmp.Diff(analysis.Counts{Names: []analysis.Count{{Name: "b", Entries: 2}, {Name: "a", Entries: 1}}}, c.Kinds()); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(analysis.Counts{Names: []analysis.Count{{Name: "", Entries: 2}, {Name: "m", Entries: 1}}}, c.Modules()); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if authors := c.Authors().Names; len(authors) != 2 || authors[1].Name != log[2].Author.String() {
		t.Errorf("authors %v", authors)
	}
	e := log[0]
	for i := range analysis.MaxNames {
		e.Kind = fmt.Sprint(i)
		c.Add(&e)
	}
	if kinds := c.Kinds(); len(kinds.Names) != analysis.MaxNames || kinds.Others != 2 {
		t.Errorf("%d kinds and %d entries of others", len(kinds.Names), kinds.Others)
	}
}
