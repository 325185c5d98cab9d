package retention_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/eventlog/retention"
)

// TestWhoHoldsWhat: a hold keeps back what reaches beyond its offset, of bodies only if it is for them, unless it is
// overrun, or, of one that has a time, up to its end until then; each is told how much, and where it stands.
func TestWhoHoldsWhat(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		holds := func(what string) (all []retention.Hold) {
			for i := range rapid.IntRange(0, 4).Draw(t, what) {
				h := retention.Hold{Name: fmt.Sprint(what, i), Offset: rapid.Uint64Range(0, 60).Draw(t, "offset")}
				if rapid.Bool().Draw(t, "timed") {
					h.Until = now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "until")))
					h.Upto = rapid.SampledFrom([]uint64{0, 10, 30, retention.NoEnd}).Draw(t, "upto")
				}
				all = append(all, h)
			}
			return all
		}
		bodies, prunes := holds("bodies"), holds("prunes")
		next, most := rapid.Uint64Range(0, 50).Draw(t, "next"), rapid.Uint64Range(0, 60).Draw(t, "most")
		h := retention.NewHolders(bodies, prunes, retention.Bound{Next: next, Most: most, Now: now})
		kept := map[string]uint64{}
		overrun := func(hold retention.Hold) bool {
			if !hold.Until.IsZero() {
				return !hold.Until.After(now)
			}
			return next > hold.Offset+most
		}
		upto := func(hold retention.Hold) uint64 {
			if !hold.Until.IsZero() {
				return hold.Upto
			}
			return retention.NoEnd
		}
		for range rapid.IntRange(0, 10).Draw(t, "ops") {
			offset, count := rapid.Uint64Range(0, 50).Draw(t, "at"), rapid.Uint64Range(1, 5).Draw(t, "count")
			prune, held := rapid.Bool().Draw(t, "prune"), false
			for i, hold := range slices.Concat(bodies, prunes) {
				if last := offset + count - 1; last >= hold.Offset && offset < upto(hold) && !overrun(hold) && (prune || i < len(bodies)) {
					kept[hold.Name], held = kept[hold.Name]+count, true
				}
			}
			if got := h.Hold(offset, count, prune); got != held {
				t.Fatalf("%d entries at %d, pruned %t: held %t, want %t", count, offset, prune, got, held)
			}
		}
		want, report := map[string]retention.HeldBack{}, map[string]retention.HeldBack{}
		stand, all := map[string]retention.Holder{}, h.All()
		for i, hold := range slices.Concat(bodies, prunes) {
			behind := max(hold.Offset, min(next, upto(hold))) - hold.Offset
			if kept[hold.Name] > 0 || overrun(hold) {
				want[hold.Name] = retention.HeldBack{Hold: hold, Behind: behind, Entries: kept[hold.Name], Overrun: overrun(hold)}
			}
			stand[hold.Name] = retention.Holder{
				Hold: hold, Behind: behind, Prunes: i >= len(bodies) && !overrun(hold), Overrun: overrun(hold),
			}
		}
		for _, b := range h.Report() {
			report[b.Name] = b
		}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Fatalf("report (-want +got):\n%s", diff)
		}
		for _, holder := range all {
			if !cmp.Equal(stand[holder.Name], holder) {
				t.Fatalf("%s stands at %+v, want %+v", holder.Name, holder, stand[holder.Name])
			}
		}
		if len(all) != len(stand) || !slices.IsSortedFunc(all, func(a, b retention.Holder) int { return int(a.Offset) - int(b.Offset) }) {
			t.Fatalf("all: %+v", all)
		}
	})
}
