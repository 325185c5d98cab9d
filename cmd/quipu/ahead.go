package main

import (
	"fmt"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// aheadLine says that an author's clock is ahead, and what to do about it.
func aheadLine(a api.Ahead) string {
	return fmt.Sprintf("the clock of %s stands at %s: its entries are only as old as their time here, and what its node wrote while its clock was wrong may stay; quipu prune --below SEQ there lets it go",
		a.Author, a.Time.Format(time.RFC3339))
}

// keptAheadLine says what a trim has kept since a clock is ahead.
func keptAheadLine(a api.Ahead) string {
	return fmt.Sprintf("%s of %s, whose clock stands at %s: not known to be old; quipu prune --below %d on its node lets them go",
		count(a.Entries, "entry"), a.Author, a.Time.Format(time.RFC3339), a.Below)
}
