package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// touch does something with so many fingers, each at a height below the middle of the picture.
func (b *tab) touch(kind input.DispatchTouchEventType, heights ...float64) {
	b.t.Helper()
	at := eval[[]float64](b, `(box => [box.x + box.width / 2, box.y + box.height / 2])(document.querySelector('.loom').getBoundingClientRect())`)
	points := []*input.TouchPoint{}
	for i, height := range heights {
		id := float64(i)
		points = append(points, &input.TouchPoint{X: at[0], Y: at[1] + height, ID: &id})
	}
	if _, err := chromedp.Call(b.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
		b.t.Fatal(err)
	}
}

// span is how many milliseconds the picture shows, as its address says.
const span = `(q => Date.parse(q.get('to')) - Date.parse(q.get('from')))(new URLSearchParams(location.hash.split('?')[1]))`

// TestTwoFingersZoom: two fingers that part take the picture nearer, in one gesture, and the page stays where it is.
func TestTwoFingersZoom(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	tie(t, d, 2000)
	b := newTab(t, browser)
	b.look(800, 900, "dark")
	if _, err := chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	b.signIn(d)
	b.wait(seen + `.startsWith('2,000 entries')`)
	pinch := func(from, to float64) {
		t.Helper()
		at := eval[string](b, `location.hash`)
		b.touch(input.DispatchTouchEventTypeTouchStart, -from, from)
		for k := 1.0; k <= 8; k++ {
			apart := from + (to-from)*k/8
			b.touch(input.DispatchTouchEventTypeTouchMove, -apart, apart)
		}
		b.touch(input.DispatchTouchEventTypeTouchEnd)
		b.moved(at)
	}
	pinch(40, 160)
	b.wait(seen + `.includes('entries') && !` + seen + `.startsWith('2,000 ')`)
	pinch(40, 160)
	near := eval[float64](b, span)
	pinch(40, 80)
	if nearer := eval[float64](b, span); nearer < near*0.4 || nearer > near*0.62 {
		t.Errorf("two fingers that part to twice as far lead from %.0f ms to %.0f, want half of it", near, nearer)
	}
	pinch(160, 40)
	if farther := eval[float64](b, span); farther < near {
		t.Errorf("two fingers that close lead to %.0f ms, want more than %.0f", farther, near)
	}
	if eval[bool](b, `scrollY !== 0 || visualViewport.scale !== 1`) {
		t.Error("the page has moved with the picture")
	}
}

// TestNothingMovesForWhoWantsThat: where the system asks for less motion, what comes is drawn once; else it is seen to come.
func TestNothingMovesForWhoWantsThat(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	tie(t, d, 20)
	for _, motion := range []string{"no-preference", "reduce"} {
		b := newTab(t, browser)
		b.look(1280, 900, "dark")
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: motion}},
		}); err != nil {
			t.Fatal(err)
		}
		b.signIn(d)
		b.wait(seen + `.includes(' on 1 cord')`)
		entries := eval[int](b, `parseInt(`+seen+`)`)
		// From before it comes until ten ticks of the browser's clock after the sentence counts it, which is a moment after it has come.
		b.do(fmt.Sprintf(`window.drawn = new Promise(done => {
			const before = quipu.counts.frames
			let ticks = 0, counted = 0
			const tick = () => {
				if (!%s.startsWith('%s entries')) return requestAnimationFrame(tick)
				counted ||= quipu.counts.frames
				if (ticks++ === 10) return done([counted - before, quipu.counts.frames - counted])
				requestAnimationFrame(tick)
			}
			requestAnimationFrame(tick)
		})`, seen, grouped(entries+1)))
		d.Quipu(t, "append", "--kind", "order.0")
		drawn := eval[[]int](b, `drawn`)
		t.Logf("motion %s: %d frames until an entry is counted, %d in ten ticks after that", motion, drawn[0], drawn[1])
		if motion == "reduce" && (drawn[0] == 0 || drawn[0] > 3 || drawn[1] > 2) {
			t.Errorf("where nothing is to move %d frames were drawn and then %d, want one, and two each for what the members say at most", drawn[0], drawn[1])
		}
		if motion != "reduce" && drawn[1] < 8 {
			t.Errorf("an entry that comes is drawn %d times in ten ticks, want at each", drawn[1])
		}
	}
}
