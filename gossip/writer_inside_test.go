package gossip

import (
	"testing"
	"time"
)

func TestOutflowWithin(t *testing.T) {
	var f outflow
	if !f.within(1 << 20) {
		t.Error("a link of which nothing is known takes nothing")
	}
	f.wrote(100<<10, time.Second)
	if f.within(1<<20) || !f.within(leastRun) || !f.within(24<<10) || f.within(26<<10) {
		t.Error("at 100 KiB a second 25 KiB take a quarter of one")
	}
}
