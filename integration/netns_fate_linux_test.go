package integration

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// fates is what became of the frames that a cable took.
type fates struct {
	lost, doubled, overtaking float64       // shares of the frames
	earliest, latest          time.Duration // due, after they came
}

// fatesOf sends frames of 1,250 bytes through one direction of a cable.
func fatesOf(t *testing.T, c conditions, frames int, gap time.Duration) fates {
	t.Helper()
	d := direction{rand: rand.New(rand.NewPCG(1, 2))}
	d.now.Store(&c)
	f := fates{earliest: time.Hour}
	var last time.Time
	for n := range frames {
		came := time.Unix(0, 0).Add(time.Duration(n) * gap)
		times, overtakes, due := d.fate(1250, came)
		switch {
		case times == 0:
			f.lost++
			continue
		case times == 2:
			f.doubled++
		}
		if overtakes {
			f.overtaking++
			continue
		}
		if due.Before(last) {
			t.Fatalf("a frame is due at %s, the one before it at %s", due, last)
		}
		last = due
		f.earliest, f.latest = min(f.earliest, due.Sub(came)), max(f.latest, due.Sub(came))
	}
	f.lost /= float64(frames)
	f.doubled /= float64(frames)
	f.overtaking /= float64(frames)
	return f
}

// TestCableFates holds what a cable does to frames against its conditions.
func TestCableFates(t *testing.T) {
	const frames = 20_000
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		conditions conditions
		gap        time.Duration // between frames
		want       fates
	}{
		"none":    {conditions{}, 25 * ms, fates{}},
		"lossy":   {conditions{loss: 0.3}, 25 * ms, fates{lost: 0.3}},
		"cut":     {conditions{loss: 1}, 25 * ms, fates{lost: 1, earliest: time.Hour}},
		"echo":    {conditions{duplicate: 0.1}, 25 * ms, fates{doubled: 0.1}},
		"hasty":   {conditions{reorder: 0.2}, 25 * ms, fates{overtaking: 0.2}},
		"far":     {conditions{delay: 40 * ms}, 25 * ms, fates{earliest: 40 * ms, latest: 40 * ms}},
		"shaky":   {conditions{delay: 40 * ms, jitter: 10 * ms}, 25 * ms, fates{earliest: 30 * ms, latest: 50 * ms}},
		"slow":    {conditions{rate: 1_000_000}, 0, fates{earliest: 10 * ms, latest: frames * 10 * ms}},
		"all bad": {conditions{delay: 40 * ms, loss: 0.5, duplicate: 0.5, reorder: 0.5}, 25 * ms, fates{lost: 0.5, doubled: 0.25, overtaking: 0.25, earliest: 40 * ms, latest: 40 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			got := fatesOf(t, c.conditions, frames, c.gap)
			near := func(a, b float64) bool { return math.Abs(a-b) < 0.02 }
			close := func(a, b time.Duration) bool { return (a - b).Abs() <= 5*ms }
			if !near(got.lost, c.want.lost) || !near(got.doubled, c.want.doubled) || !near(got.overtaking, c.want.overtaking) ||
				!close(got.earliest, c.want.earliest) || !close(got.latest, c.want.latest) {
				t.Errorf("got %+v, want about %+v", got, c.want)
			}
		})
	}
}
