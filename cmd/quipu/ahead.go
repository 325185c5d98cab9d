package main

import (
	"fmt"
	"time"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// aheadLine says that an author's clock is ahead, and what to do about it.
func aheadLine(a api.Ahead) string {
	return fmt.Sprintf("the clock of %s stands at %s: its entries are only as old as their time here, and what its node wrote while its clock was wrong may stay; quipu prune --below SEQ there lets it go",
		a.Author, a.Time.Format(time.RFC3339))
}

// clockOffLine says that the clocks of most members are ahead of the node's by so many seconds.
func clockOffLine(seconds float64) string { return condition.ClockOff(span(seconds)) }

// span returns seconds as a span of time.
func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// clockText says by how many seconds a member's clock is ahead of the node's, "?" where that is not known.
func clockText(seconds *float64) string {
	if seconds == nil {
		return "?"
	}
	off := span(*seconds)
	switch text := age.Rough(off.Abs()); {
	case text == "0s":
		return text
	case off < 0:
		return "-" + text
	default:
		return "+" + text
	}
}

// keptAheadLine says what a trim has kept since a clock is ahead.
func keptAheadLine(a api.Ahead) string {
	return fmt.Sprintf("%s of %s, whose clock stands at %s: not known to be old; quipu prune --below %d on its node lets them go",
		count(a.Entries, "entry"), a.Author, a.Time.Format(time.RFC3339), a.Below)
}
