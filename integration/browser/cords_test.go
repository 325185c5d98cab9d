package browser

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/quipulog/quipu/integration/daemon"
)

// seen is what the picture says that there is to be seen.
const seen = `document.getElementById('cords-seen').innerText`

// tie appends n entries of three kinds to a node, a second apart from each other.
func tie(t *testing.T, d *daemon.Daemon, n int) {
	t.Helper()
	var lines strings.Builder
	begin := time.Now().Add(-time.Duration(n) * time.Second).UTC()
	for i := range n {
		fmt.Fprintf(&lines, `{"kind":"order.%d","subject":"s%d","time":"%s"}`+"\n", i%3, i%50, begin.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano))
	}
	response := post(t, d, "entries", "application/x-ndjson", lines.String())
	defer response.Body.Close()
	places := 0
	for s := bufio.NewScanner(response.Body); s.Scan(); {
		if strings.HasPrefix(s.Text(), `"`) {
			places++
		}
	}
	if places != n {
		t.Fatalf("%s: %d entries were appended, want %d", response.Status, places, n)
	}
}

// frame returns once a frame is drawn after script has run, and gives how many strokes it had.
func (b *tab) frame(script string) int {
	b.t.Helper()
	before := eval[int](b, `quipu.counts.frames`)
	b.do(script)
	b.wait(fmt.Sprintf(`quipu.counts.frames > %d`, before))
	return eval[int](b, `quipu.counts.strokes`)
}

// moved returns once the address says that something else is looked at.
func (b *tab) moved(from string) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`location.hash !== %q`, from))
}

// watched has the page note how often it asks for cords, and of how many bytes the answers are.
const watched = `{ const asked = window.fetch
	window.cords = {asked: 0, bytes: 0, under: 0}
	window.fetch = async (...call) => {
		if (!String(call[0]).includes('/v1/cords')) return asked(...call)
		cords.asked++
		cords.under++
		try {
			const answer = await asked(...call)
			cords.bytes += (await answer.clone().text()).length
			return answer
		} finally { cords.under-- }
	} }`

// rested returns once nothing has moved for a moment since the last frame, and what the picture lacked is there. It wants [watched].
func (b *tab) rested() {
	b.t.Helper()
	b.wait(`!quipu.counts.moving && cords.under === 0`)
}

// wheel turns the wheel over the middle of the picture.
func wheel(delta int) string {
	return fmt.Sprintf(`{ const box = document.querySelector('.loom').getBoundingClientRect()
		document.querySelector('.loom').dispatchEvent(new WheelEvent('wheel', {deltaY: %d, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, cancelable: true})) }`, delta)
}

// drag moves what is under the pointer by so many pixels down.
func drag(by int) string {
	return fmt.Sprintf(`{ const loom = document.querySelector('.loom'), box = loom.getBoundingClientRect()
		loom.setPointerCapture = () => {}
		const at = (type, y) => loom.dispatchEvent(new PointerEvent(type, {pointerId: 1, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 + y, button: 0}))
		at('pointerdown', 0); for (let k = 1; k <= 8; k++) at('pointermove', %d * k / 8); at('pointerup', %d)
		delete loom.setPointerCapture }`, by, by)
}

// TestAKnotIsSeenToCome: what is appended on one node comes into the picture of another, which asks for no picture anew for it.
func TestAKnotIsSeenToCome(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := serve(t, "beta", alpha.Log, "--join", alpha.Addr)
	alpha.Quipu(t, "append", "--kind", "order.paid", "--subject", "s0")
	b := newTab(t, browser)
	b.signIn(beta)
	b.wait(seen + `.startsWith('1 entry on 1 cord')`)
	alpha.Quipu(t, "append", "--kind", "order.lost", "--subject", "s1")
	b.wait(seen + `.startsWith('2 entries on 1 cord')`)
	b.wait(`document.querySelector('.kinds').innerText.includes('order.lost')`)
	b.keep("cords-arrival")
}

// TestThePictureKeepsToItsBounds: whatever is looked at, a frame has at most four strokes for each pixel of the width; while only
// panning within what is loaded nothing is asked for.
func TestThePictureKeepsToItsBounds(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	const entries = 20_000
	tie(t, d, entries)
	for _, width := range []int64{320, 1280} {
		b := newTab(t, browser)
		b.look(width, 900, "dark")
		b.signIn(d)
		b.wait(seen + `.startsWith('20,000 entries')`)
		b.do(watched)
		most := 4 * eval[int](b, `document.querySelector('.loom canvas').clientWidth`)
		bound := func(what string, strokes int) {
			t.Helper()
			if strokes == 0 || strokes > most {
				t.Errorf("%d pixels, %s: a frame has %d strokes, want at most %d", width, what, strokes, most)
			}
		}
		for range 20 {
			bound("zooming in", b.frame(wheel(-100)))
		}
		b.rested()
		b.wait(`!` + seen + `.startsWith('20,000')`)
		b.keep(fmt.Sprintf("cords-near-%d", width))
		before := eval[int](b, `cords.asked`)
		for _, by := range []int{120, -60, -120, 100} {
			bound("panning", b.frame(drag(by)))
		}
		b.rested()
		if n := eval[int](b, `cords.asked`); n != before {
			t.Errorf("%d pixels: panning asked for cords %d times", width, n-before)
		}
		bytes := eval[int](b, `quipu.counts.bytes`)
		for range 4 {
			bound("panning away", b.frame(drag(-300)))
		}
		b.rested()
		if eval[int](b, `cords.asked`) == before {
			t.Errorf("%d pixels: panning away asked for nothing", width)
		}
		if n := eval[int](b, `quipu.counts.bytes`) - bytes; n > 200_000 {
			t.Errorf("%d pixels: panning away took %d bytes", width, n)
		}
		for range 30 { // to where each entry stands in silence, or between two
			bound("zooming in", b.frame(wheel(-100)))
		}
		b.rested()
		b.wait(`/^(No|[0-9]{1,3}) entr(y|ies)/.test(` + seen + `)`)
		for range 60 {
			bound("zooming out", b.frame(wheel(100)))
		}
		b.wait(seen + `.startsWith('20,000 entries')`)
	}
}

// TestAHigherWindowShowsMore: where the window becomes higher, the sentence and the address tell of what is seen then, and what that lacks
// is asked for.
func TestAHigherWindowShowsMore(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	tie(t, d, 20_000)
	b := newTab(t, browser)
	b.look(1280, 400, "dark")
	b.signIn(d)
	b.wait(seen + `.startsWith('20,000 entries')`)
	b.do(watched)
	for range 16 {
		b.frame(wheel(-100))
	}
	b.rested()
	b.wait(`!` + seen + `.startsWith('20,000')`)
	const told = `parseInt(` + seen + `.replaceAll(',', ''))`
	few, asked, at := eval[int](b, told), eval[int](b, `cords.asked`), eval[string](b, `location.hash`)
	b.look(1280, 1800, "dark")
	b.moved(at)
	b.rested()
	if n := eval[int](b, told); n < 2*few {
		t.Errorf("a window four times as high shows %d entries, and showed %d", n, few)
	}
	if eval[int](b, `cords.asked`) == asked {
		t.Error("a window four times as high asked for nothing")
	}
}

// TestAKnotIsOpenedByKeys goes along a cord, nearer and nearer, until a knot is one entry, and opens it.
func TestAKnotIsOpenedByKeys(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	tie(t, d, 500)
	b := newTab(t, browser)
	b.signIn(d)
	b.wait(seen + `.startsWith('500 entries')`)
	b.do(`document.querySelector('.loom').focus()`)
	b.press(kb.ArrowRight, kb.ArrowDown, kb.ArrowDown)
	b.wait(`document.querySelector('.cords [role=status]').innerText.includes('The cord of alpha')`)
	for range 20 {
		if eval[bool](b, `location.hash.includes('knot=')`) {
			break
		}
		at := eval[string](b, `location.hash`)
		b.press(kb.ArrowDown, kb.Enter)
		b.moved(at)
	}
	b.wait(`location.hash.includes('knot=')`)
	b.keep("cords-knot")
}
