package analysis_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
)

// begin is when all test entries are about.
var begin = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// entry makes an entry from "KIND SUBJECT OFFSET [PAYLOAD]", its seq being its place in the test.
func entry(t testing.TB, seq int, line string) eventlog.Entry {
	t.Helper()
	fields := strings.SplitN(line, " ", 4)
	after, err := time.ParseDuration(fields[2])
	if err != nil {
		t.Fatal(err)
	}
	e := eventlog.Entry{Entry: crdt.Entry{Seq: uint64(seq)}, Offset: uint64(seq)}
	e.Kind, e.Subject, e.Time = fields[0], fields[1], begin.Add(after)
	e.Clock = crdt.ClockAt(e.Time)
	if len(fields) == 4 {
		e.Payload = []byte(fields[3])
	}
	return e
}

// entries makes an entry of each line; see entry.
func entries(t testing.TB, lines ...string) []eventlog.Entry {
	made := make([]eventlog.Entry, len(lines))
	for i, line := range lines {
		made[i] = entry(t, i, line)
	}
	return made
}

// seq yields entries as a log does.
func seq(all []eventlog.Entry) iter.Seq2[eventlog.Entry, error] {
	return func(yield func(eventlog.Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sentPaid is a join of sent and paid by subject.
func sentPaid() analysis.Join {
	return analysis.Join{Start: analysis.Side{Kinds: []string{"sent"}}, End: analysis.Side{Kinds: []string{"paid", "failed"}}, Within: time.Minute}
}

// outcomes runs a join and writes each outcome as a line: the verdict, the seqs of start and end, and
// what else there is to say.
func outcomes(t testing.TB, j analysis.Join, all []eventlog.Entry) []string {
	t.Helper()
	var lines []string
	for o, err := range j.Outcomes(seq(all)) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line(&o))
	}
	return lines
}

func line(o *analysis.Outcome) string {
	text := o.Verdict.String()
	if !o.Start.IsZero() {
		text += fmt.Sprintf(" s%d", o.Start.Place.Seq)
	}
	if !o.End.IsZero() {
		text += fmt.Sprintf(" e%d", o.End.Place.Seq)
	}
	if o.Verdict == analysis.Paired {
		text += " " + o.Latency.String()
	}
	if o.Start.Repeated && o.Verdict != analysis.EndAlone || o.End.Repeated {
		text += " repeated"
	}
	if o.Number() != "" {
		text += " " + o.Number()
	}
	return text
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestPairing(t *testing.T) {
	log := entries(t, "sent a 0s", "sent a 10s", "paid a 15s", "other a 16s", "paid a 20s", "paid a 30s")
	for pairing, lines := range map[analysis.Pairing][]string{
		analysis.Nearest:   {"paired s1 e2 5s repeated", "paired s0 e4 20s", "end-alone e5 repeated"},
		analysis.Oldest:    {"paired s0 e2 15s", "paired s1 e4 10s repeated", "end-alone e5 repeated"},
		analysis.OneToMany: {"paired s1 e2 5s repeated", "paired s1 e4 10s repeated", "paired s1 e5 20s repeated", "start-alone s0"},
	} {
		t.Run(pairing.String(), func(t *testing.T) {
			j := sentPaid()
			j.Pairing = pairing
			want(t, outcomes(t, j, log), lines...)
		})
	}
}

func TestWhatIsAloneSaysWhy(t *testing.T) {
	log := entries(t,
		"paid before 0s", "sent before 1s",
		"sent never 2s",
		"paid nowhere 3s",
		"sent twice 4s", "sent twice 5s", "paid twice 6s",
		"sent once 7s", "paid once 8s", "paid once 9s",
		"sent  10s",
		"sent far 20s", "paid far 80.000000001s",
		"sent edge 90s", "paid edge 150s")
	want(t, outcomes(t, sentPaid(), log),
		"keyless s10",
		"end-alone s1 e0",
		"paired s5 e6 1s repeated",
		"paired s7 e8 1s",
		"end-alone e9 repeated",
		"start-alone s1", "start-alone s2", "start-alone s4", "start-alone s11",
		"end-alone e3",
		"end-alone e12",
		"paired s13 e14 1m0s")
}

// TestStartAtTheSameTimeComesFirst has both halves at one time, by clocks that know only seconds.
func TestStartAtTheSameTimeComesFirst(t *testing.T) {
	want(t, outcomes(t, sentPaid(), entries(t, "paid a 1s", "sent a 1s")), "paired s1 e0 0s")
	byClock := sentPaid()
	byClock.Scale = analysis.ByClock
	want(t, outcomes(t, byClock, entries(t, "paid a 1s", "sent a 1s")), "end-alone s1 e0", "start-alone s1")
	want(t, outcomes(t, byClock, entries(t, "sent a 1s", "paid a 1.0029s")), "paired s0 e1 2ms")
}

// TestClockOfAFarFuture has the greatest clock there is, which no int64 of nanoseconds reaches.
func TestClockOfAFarFuture(t *testing.T) {
	j := sentPaid()
	j.Scale, j.Within = analysis.ByClock, 0
	log := entries(t, "sent a 0s", "paid a 1s")
	// The second is so many milliseconds on that 64 bits of nanoseconds would come to half a millisecond.
	for _, clock := range []crdt.Clock{crdt.MaxClock - 1, log[0].Clock + 18_446_744_073_710<<16} {
		log[1].Clock = clock
		want(t, outcomes(t, j, log), "start-alone s0", "end-alone e1")
	}
}

// TestMicrosecondsAreNotComparedAsMilliseconds: the join of system C held a maximum distance in
// milliseconds against differences in microseconds.
func TestMicrosecondsAreNotComparedAsMilliseconds(t *testing.T) {
	j := sentPaid()
	j.Within = 5 * time.Millisecond
	want(t, outcomes(t, j, entries(t,
		"sent a 0s", "paid a 5ms",
		"sent b 1s", "paid b 1.000005s",
		"sent c 2s", "paid c 2.005000001s",
		"sent d 3s", "paid d 8s")),
		"paired s0 e1 5ms", "paired s2 e3 5µs", "start-alone s4", "end-alone e5", "start-alone s6", "end-alone e7")
}

// A latency has at most 292 years, and times lie up to 584 years apart: what is further apart is no pair, and
// is said to be alone, on either scale.
func TestWhatNoLatencyCanTellIsNoPair(t *testing.T) {
	for _, scale := range []analysis.Scale{analysis.ByTime, analysis.ByClock} {
		j := sentPaid()
		j.Within, j.Scale = 0, scale
		es := entries(t, "sent a 0s", "paid a 0s", "sent b 0s", "paid b 0s")
		for i, at := range []time.Time{time.Unix(0, 0), time.Unix(0, math.MaxInt64), time.Unix(0, -1e9), time.Unix(0, math.MaxInt64)} {
			es[i].Time = at
			es[i].Clock = crdt.ClockAt(at)
			if at.Before(time.Unix(0, 0)) {
				es[i].Clock = 0
			}
		}
		if scale == analysis.ByClock {
			es[3].Clock = 1<<63 - 1
		}
		pairs := 0
		for o, err := range j.Outcomes(seq(es)) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Verdict == analysis.Paired {
				pairs++
				if o.Start.Place.Seq != 0 || o.Latency < 292*365*24*time.Hour {
					t.Errorf("%v: paired %+v", scale, o)
				}
			}
		}
		if pairs != 1 {
			t.Errorf("%v: %d pairs, want 1", scale, pairs)
		}
	}
}

// TestJoinIsNoNestedLoop: the join of system C compared each start with each end. Here that would be
// 2,500 million comparisons each time, for keys that differ as for one that all share: more than go test
// waits for (see BenchmarkNestedLoop).
func TestJoinIsNoNestedLoop(t *testing.T) {
	const n = 50_000
	for _, keys := range []int{n, 1} {
		for _, pairing := range []analysis.Pairing{analysis.Nearest, analysis.Oldest} {
			j := sentPaid()
			j.Pairing, j.Within = pairing, 0
			pairs := 0
			for o, err := range j.Outcomes(startsThenEnds(n, keys)) {
				if err != nil {
					t.Fatal(err)
				}
				if o.Verdict == analysis.Paired {
					pairs++
				}
			}
			if pairs != n {
				t.Errorf("%d keys, %s: %d pairs, want %d", keys, pairing, pairs, n)
			}
		}
	}
}

// startsThenEnds yields n starts, one a second, and then as many ends.
func startsThenEnds(n, keys int) iter.Seq2[eventlog.Entry, error] {
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("subject-%07d", i)
	}
	return func(yield func(eventlog.Entry, error) bool) {
		var e eventlog.Entry
		for i := range 2 * n {
			e.Kind, e.Subject, e.Seq, e.Time = "sent", names[i%n%keys], uint64(i), begin.Add(time.Duration(i)*time.Second)
			if i >= n {
				e.Kind = "paid"
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// TestFutureTimeMakesNothingLate: in system C one entry with a time in the future stopped what went by
// time. Here it waits in the window while all others are paired.
func TestFutureTimeMakesNothingLate(t *testing.T) {
	j := sentPaid()
	j.Window = 2
	want(t, outcomes(t, j, entries(t, "sent a 876000h", "sent a 0s", "paid a 1s", "sent a 2h", "paid a 2.001h", "sent b 3h", "paid b 3.001h")),
		"paired s1 e2 1s", "paired s3 e4 3.6s", "paired s5 e6 3.6s", "start-alone s0")
}

func TestWindowSortsAndNamesWhatIsLate(t *testing.T) {
	log := entries(t, "paid a 3s", "sent b 4s", "sent a 2s", "paid b 5s", "sent c 1s")
	j := sentPaid()
	want(t, outcomes(t, j, log), "paired s2 e0 1s", "paired s1 e3 1s", "start-alone s4")
	j.Window = 2
	want(t, outcomes(t, j, log), "paired s2 e0 1s", "late s4", "paired s1 e3 1s")
}

func TestMemoryIsBounded(t *testing.T) {
	j := sentPaid()
	j.MaxBytes, j.Window = 2_000, 1
	// What only tells reasons apart is given up, and said.
	want(t, outcomes(t, j, entries(t,
		"sent a 0s", "paid a 1s", "sent b 2s", "paid b 3s", "sent c 4s", "paid c 5s",
		"sent d 6s", "paid d 7s", "sent e 8s", "paid e 9s", "paid a 10s")),
		"paired s0 e1 1s", "paired s2 e3 1s", "paired s4 e5 1s", "paired s6 e7 1s",
		"displaced s0", "paired s8 e9 1s", "displaced s2", "end-alone e10")
	want(t, outcomes(t, j, entries(t, "paid a 0s", "paid b 1s", "paid c 2s", "paid d 3s", "paid e 4s")),
		"overlooked e0", "end-alone e1", "end-alone e2", "end-alone e3", "end-alone e4")
	// Starts are not: their ends may come.
	var limit *analysis.LimitError
	var err error
	for _, err = range j.Outcomes(startsThenEnds(10, 10)) {
		if err != nil {
			break
		}
	}
	if !errors.As(err, &limit) || limit.Waiting != 5 || limit.MaxBytes != 2_000 {
		t.Errorf("ten starts in 2,000 bytes: %v", err)
	}
}

// TestWhatIsGoneIsNotHeld has a thousand times as many entries as there is room for at one time.
func TestWhatIsGoneIsNotHeld(t *testing.T) {
	j := sentPaid()
	j.MaxBytes = 3_000
	for _, j.Pairing = range []analysis.Pairing{analysis.Nearest, analysis.OneToMany} {
		var all []eventlog.Entry
		for i := range 500 {
			for at, what := range []string{"sent a", "paid a", "paid b", "sent b", "sent c", "paid d", "sent a", "paid a"} {
				all = append(all, entry(t, len(all), fmt.Sprintf("%s %ds", what, 61*i+at)))
			}
		}
		for o, err := range j.Outcomes(seq(all)) {
			if err != nil || o.Verdict == analysis.Displaced || o.Verdict == analysis.Overlooked {
				t.Fatalf("%s: %s, %v", j.Pairing, line(&o), err)
			}
		}
	}
}

// TestRepeatedEndLooksAtTheLastStart has ends that take their starts in another order than that of time.
func TestRepeatedEndLooksAtTheLastStart(t *testing.T) {
	j := sentPaid()
	j.Within = 10 * time.Second
	want(t, outcomes(t, j, entries(t, "sent a 0s", "sent a 5s", "paid a 6s", "paid a 7s", "paid a 12s")),
		"paired s1 e2 1s repeated", "paired s0 e3 7s", "end-alone e4 repeated")
	want(t, outcomes(t, j, entries(t, "sent b 9s", "paid b 9s", "sent a 0s", "paid a 9.5s", "paid a 10.5s")),
		"paired s0 e1 0s", "paired s2 e3 9.5s", "end-alone e4")
}

func TestTimesBefore1970(t *testing.T) {
	want(t, outcomes(t, sentPaid(), entries(t, "sent a -476508h", "paid a -476507h59m59s", "sent b 0s", "paid b 1s")),
		"paired s0 e1 1s", "paired s2 e3 1s")
	j := sentPaid()
	j.Within = 0
	log := entries(t, "sent a 0s", "paid a 0s")
	log[0].Time, log[1].Time = time.Unix(0, -1), time.Unix(0, 1)
	want(t, outcomes(t, j, log), "paired s0 e1 2ns")
	log[0].Time, log[1].Time = time.Unix(0, math.MinInt64), time.Unix(0, -1)
	want(t, outcomes(t, j, log), "paired s0 e1 2562047h47m16.854775807s")
	log[1].Time = time.Unix(0, 0)
	want(t, outcomes(t, j, log), "start-alone s0", "end-alone e1")
}

func TestJoinsThatMakeNoSense(t *testing.T) {
	for reason, change := range map[string]func(*analysis.Join){
		"no kind of entry is a start": func(j *analysis.Join) { j.Start.Kinds = nil },
		"no kind of entry is an end":  func(j *analysis.Join) { j.End.Kinds = nil },
		"maximum distance of -1ns":    func(j *analysis.Join) { j.Within = -1 },
		"pairing(3)":                  func(j *analysis.Join) { j.Pairing = 3 },
		"scale(2)":                    func(j *analysis.Join) { j.Scale = 2 },
		"window of -1":                func(j *analysis.Join) { j.Window = -1 },
		"-1 bytes":                    func(j *analysis.Join) { j.MaxBytes = -1 },
		"by kind or by field": func(j *analysis.Join) {
			j.Success = analysis.Condition{Kinds: []string{"paid"}, Field: pointer(t, "/ok")}
		},
		"both a start and an end": func(j *analysis.Join) { j.End.Kinds = []string{"sent"} },
		"a success, but no end":   func(j *analysis.Join) { j.Success.Kinds = []string{"sent"} },
	} {
		j := sentPaid()
		change(&j)
		for o, err := range j.Outcomes(seq(nil)) {
			if !errors.Is(err, analysis.ErrJoin) || !strings.Contains(err.Error(), reason) {
				t.Errorf("%+v, %v: want an error with %q", o, err, reason)
			}
			reason = ""
		}
		if reason != "" {
			t.Errorf("no error with %q", reason)
		}
	}
}

func TestErrorsOfTheEntriesEndTheJoin(t *testing.T) {
	broken := errors.New("broken")
	source := func(yield func(eventlog.Entry, error) bool) {
		if yield(entry(t, 0, "sent  0s"), nil) {
			yield(eventlog.Entry{}, broken)
		}
	}
	var got []string
	for o, err := range sentPaid().Outcomes(source) {
		got = append(got, fmt.Sprint(line(&o), " ", err))
	}
	want(t, got, "keyless s0 <nil>", "paired 0s broken")
	for range sentPaid().Outcomes(source) {
		break
	}
}
