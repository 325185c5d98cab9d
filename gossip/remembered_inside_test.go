package gossip

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// The latest address of each member comes before the earlier ones of any, that of whoever was seen last first.
func TestPlacesOfTheRemembered(t *testing.T) {
	a, b, c := crdt.Author{1}, crdt.Author{2}, crdt.Author{3}
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	got := placesOf([]Remembered{
		{Author: b, Seen: noon, Addrs: []string{"b:1", "b:2", "b:3"}},
		{Author: a, Seen: noon.Add(time.Second), Addrs: []string{"a:1", "a:2"}},
		{Author: c, Seen: noon, Addrs: []string{"c:1"}},
	})
	want := []find.Found{{Author: a, Addr: "a:1"}, {Author: b, Addr: "b:1"}, {Author: c, Addr: "c:1"}, {Author: a, Addr: "a:2"}, {Author: b, Addr: "b:2"}, {Author: b, Addr: "b:3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
