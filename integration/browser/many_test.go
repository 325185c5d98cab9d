package browser

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
)

// hands are the authors of a large log.
var hands = []string{"alpha", "beta", "gamma", "delta", "epsilon"}

// years makes lines for append: n entries of eight kinds, some of which are rare, over five years up to now, by day more than by night.
func years(t *testing.T, seed uint64, n int) (name string) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	const span = 5 * 365 * 24 * time.Hour
	begin := time.Now().Add(-span - time.Hour).UTC()
	times := make([]time.Duration, n)
	for i := range times {
		at := time.Duration(random.Float64() * float64(span)).Truncate(24 * time.Hour)
		times[i] = min(at+time.Duration((12+4*random.NormFloat64())*float64(time.Hour)), span)
	}
	slices.Sort(times)
	var lines bytes.Buffer
	for i, at := range times {
		kind := min(random.IntN(8), random.IntN(8))
		fmt.Fprintf(&lines, `{"kind":"order.%d","subject":"s%d","time":"%s"}`+"\n", kind, i%5000, begin.Add(max(0, at)).Format(time.RFC3339Nano))
	}
	name = filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// many starts a node that has n entries of all hands.
func many(t *testing.T, n int) *daemon.Daemon {
	t.Helper()
	d := daemon.New(t, hands[0], "")
	d.Quipu(t, "append", "--ndjson", years(t, 0, n-(len(hands)-1)*(n/len(hands))))
	for i, name := range hands[1:] {
		other := daemon.New(t, name, d.Log)
		other.Quipu(t, "append", "--ndjson", years(t, uint64(i+1), n/len(hands)))
		bundle := filepath.Join(t.TempDir(), name)
		other.Quipu(t, "bundle", "create", bundle)
		d.Quipu(t, "bundle", "apply", bundle)
	}
	d.Start(t)
	built(t, d)
	return d
}

// TestTheNumberOfEntriesCostsTheReaderNothing: whether a log has a hundred thousand entries or a million, a frame has at most four strokes for
// each pixel of the width, and what is asked for is bounded by what is looked at. The sentence counts all of them.
func TestTheNumberOfEntriesCostsTheReaderNothing(t *testing.T) {
	for _, n := range []int{100_000, 1_000_000} {
		t.Run(grouped(n), func(t *testing.T) {
			if n > 100_000 && (testing.Short() || os.Getenv("QUIPU_E2E") == "") {
				t.Skip("with QUIPU_E2E=1 and without -short")
			}
			began := time.Now()
			d := many(t, n)
			t.Logf("%d entries are there after %v", n, time.Since(began).Round(time.Millisecond))
			browser := newBrowser(t)
			for _, size := range [][2]int64{{1280, 800}, {2560, 1440}} {
				costs(t, newTab(t, browser), d, n, size[0], size[1])
			}
			if n == 100_000 {
				zooms(t, newTab(t, browser), d)
			}
		})
	}
}

// costs looks at a log from afar and from near, and holds what that takes against its bounds.
func costs(t *testing.T, b *tab, d *daemon.Daemon, entries int, width, height int64) {
	t.Helper()
	b.look(width, height, "dark")
	b.signIn(d)
	b.wait(seen + fmt.Sprintf(`.startsWith('%s entries on %d cords')`, grouped(entries), len(hands)))
	told := eval[int](b, `Math.round(performance.now())`)
	paint := eval[int](b, `Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime)`)
	t.Logf("%d entries at %dx%d: first paint after %d ms, told all after %d ms, with %d bytes", entries, width, height, paint, told, eval[int](b, `quipu.counts.bytes`))
	b.do(watched)
	most := 4 * eval[int](b, `document.querySelector('.loom canvas').clientWidth`)
	bound := func(what string, strokes int) {
		t.Helper()
		if strokes == 0 || strokes > most {
			t.Errorf("%d entries at %d pixels, %s: a frame has %d strokes, want at most %d", entries, width, what, strokes, most)
		}
	}
	// An answer has so many columns of each cord, and a cell no more than its kinds.
	columns := eval[int](b, `2 ** Math.ceil(Math.log2(Math.max(256, document.querySelector('.loom canvas').clientHeight / 2)))`)
	answer := columns * (len(hands) + 1) * 90
	asked := func(what string, before, times int) {
		t.Helper()
		if n := eval[int](b, `cords.asked`) - before; n > times {
			t.Errorf("%d entries at %d pixels: %s asked for cords %d times, want at most %d", entries, width, what, n, times)
		}
	}
	for range 36 {
		before := eval[int](b, `cords.asked`)
		bound("zooming in", b.frame(wheel(-120)))
		b.rested()
		asked("a step of the zoom", before, 1)
	}
	if n := eval[int](b, `cords.bytes / Math.max(1, cords.asked) | 0`); n > answer {
		t.Errorf("%d entries at %d pixels: an answer has %d bytes, want at most %d", entries, width, n, answer)
	}
	t.Logf("%d entries at %dx%d: a zoom through everything asked %d times, for %d bytes", entries, width, height, eval[int](b, `cords.asked`), eval[int](b, `cords.bytes`))
	fresh := false
	for n := 0; n < 18 || !fresh && n < 60; n++ {
		before, bytes := eval[int](b, `cords.asked`), eval[int](b, `cords.bytes`)
		bound("panning away", b.frame(drag(-250)))
		b.rested()
		asked("a pan", before, 1)
		fresh = eval[int](b, `cords.asked`) > before
		if n := eval[int](b, `cords.bytes`) - bytes; n > answer {
			t.Errorf("%d entries at %d pixels: a pan took %d bytes, want at most %d", entries, width, n, answer)
		}
	}
	// A window has just come, with as much again on both sides.
	before := eval[int](b, `cords.asked`)
	for _, by := range []int{120, -60, -120, 100} {
		bound("panning", b.frame(drag(by)))
	}
	b.rested()
	asked("panning within what is there", before, 0)
	b.do(`document.querySelector('.loom').focus()`)
	b.press("0")
	b.wait(seen + fmt.Sprintf(`.startsWith('%s entries on %d cords')`, grouped(entries), len(hands)))
	for _, how := range []string{"zoom", "pan"} {
		if how == "pan" { // the whole log stands still
			for range 15 {
				b.frame(wheel(-120))
			}
		}
		t.Logf("%d entries at %dx%d, %s: %s", entries, width, height, how, eval[string](b, fmt.Sprintf(timed, how)))
	}
}

// timed moves the picture for 150 frames, and says how long they took: from one to the next, and in the page's own script.
const timed = `new Promise(done => {
	const loom = document.querySelector('.loom'), box = loom.getBoundingClientRect(), how = %q
	const own = [], between = [], real = window.requestAnimationFrame
	window.requestAnimationFrame = f => real.call(window, t => { const since = performance.now(); f(t); own.push(performance.now() - since) })
	const at = (type, y) => loom.dispatchEvent(new PointerEvent(type, {pointerId: 1, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 + y, button: 0}))
	loom.setPointerCapture = () => {}
	let n = 0, last = 0, made = 0
	const create = document.createElement
	document.createElement = function (name) { if (name === 'canvas') made++; return create.apply(document, arguments) }
	if (how === 'pan') at('pointerdown', 0)
	const step = t => {
		if (n > 0) between.push(t - last)
		last = t
		if (n++ === 150) {
			if (how === 'pan') at('pointerup', 0)
			window.requestAnimationFrame = real
			delete loom.setPointerCapture
			delete document.createElement
			const of = all => { all.sort((a, b) => a - b); return [0.5, 0.95, 1].map(p => all[Math.min(all.length - 1, all.length * p | 0)].toFixed(1)).join('/') }
			done('between frames ' + of(between) + ', own script ' + of(own) + ' ms (median/p95/max), ' + quipu.counts.strokes + ' strokes, ' + made + ' images made')
			return
		}
		if (how === 'pan') at('pointermove', 200 * Math.sin(n / 8))
		else loom.dispatchEvent(new WheelEvent('wheel', {deltaY: n <= 75 ? -60 : 60, clientX: box.x + box.width / 2, clientY: box.y + box.height * 0.4, cancelable: true}))
		real.call(window, step)
	}
	real.call(window, step)
})`

// zooms keeps pictures of the whole log, of one year and of one day of it, where pictures are kept.
func zooms(t *testing.T, b *tab, d *daemon.Daemon) {
	t.Helper()
	if os.Getenv("QUIPU_SCREENSHOTS") == "" {
		return
	}
	b.signIn(d)
	b.do(watched)
	day := time.Now().UTC().AddDate(-1, 0, 0).Truncate(24 * time.Hour)
	for zoom, from := range map[string]time.Time{"whole": {}, "year": day.AddDate(-1, 0, 0), "day": day} {
		link, to := "#/picture", day.AddDate(0, 0, 1)
		if zoom != "whole" {
			link += fmt.Sprintf("?from=%s&to=%s&follow=no", from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		b.show(link)
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{320, 760, 1280, 2560} {
				b.look(width, width*5/8+200, theme)
				b.wait(fmt.Sprintf(`document.documentElement.dataset.theme === %q && %s.includes(' on ')`, theme, seen))
				b.frame(`window.dispatchEvent(new Event('resize'))`)
				b.rested()
				b.keep(fmt.Sprintf("zoom-%s-%s-%d", zoom, theme, width))
			}
		}
	}
}

// grouped writes a number as the page does.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
