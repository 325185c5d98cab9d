package wallclock_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/wallclock"
	"github.com/quipulog/quipu/gossip/wire"
)

// A time counts once, as the answer to the last offer, if it did not take long and was not long ago.
func TestPeer(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name   string
		round  uint32
		trip   time.Duration
		later  time.Duration
		millis int64 // ahead of the middle of the trip
		want   time.Duration
		known  bool
	}{
		{"ahead", 7, 2 * time.Second, 0, 61_000, 61 * time.Second, true},
		{"behind", 7, 0, time.Minute, -5, -5 * time.Millisecond, true},
		{"past all clocks", 7, 0, 0, wire.MaxMillis, 100 * 365 * 24 * time.Hour, true},
		{"another round", 6, 0, 0, 1, 0, false},
		{"a long trip", 7, 11 * time.Second, 0, 1, 0, false},
		{"long ago", 7, 0, time.Minute + 1, 1, 0, false},
	} {
		var p wallclock.Peer
		p.Offered(6, now)
		p.Offered(7, now)
		came := now.Add(test.trip)
		wall := time.UnixMilli(1e12)
		p.Take(wire.Time{Round: test.round, Millis: wall.Add(-test.trip/2).UnixMilli() + test.millis}, came, wall)
		p.Take(wire.Time{Round: test.round, Millis: 1}, came, wall) // nobody asked again
		if off, known := p.Off(came.Add(test.later)); off != test.want || known != test.known {
			t.Errorf("%s: off by %s, known %t; want %s, %t", test.name, off, known, test.want, test.known)
		}
	}
}

func TestVote(t *testing.T) {
	const hour = time.Hour
	for _, test := range []struct {
		known []time.Duration
		want  wallclock.Off
	}{
		{nil, wallclock.Off{}},
		{[]time.Duration{time.Minute, -time.Minute}, wallclock.Off{Known: 2}},
		{[]time.Duration{hour, 0}, wallclock.Off{Known: 2, Peers: 1}},
		{[]time.Duration{3 * hour, 0, hour}, wallclock.Off{Off: 3 * hour, Known: 3, Peers: 2}},
		{[]time.Duration{-3 * hour, -hour, 2 * hour}, wallclock.Off{Off: -hour, Known: 3, Peers: 3}},
	} {
		if got := wallclock.Vote(test.known); got != test.want {
			t.Errorf("%v: %+v, want %+v", test.known, got, test.want)
		}
	}
}
