package browser

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/quipulog/quipu/integration/daemon"
)

// thickness is how many pixels of each row below the main cord the only cord of a picture takes, from above to below: of rows where a knot is,
// or something that goes across, it is more.
const thickness = `(() => {
	const canvas = document.querySelector('.loom canvas'), {width, height} = canvas
	const {data} = canvas.getContext('2d').getImageData(0, 0, width, height)
	const left = 100, rows = []
	for (let y = 0; y < height; y++) {
		let n = 0
		for (let x = left; x < width; x++) if (data[4 * (y * width + x) + 3] > 96) n++
		rows.push(n)
	}
	let y = rows.findIndex(n => n > (width - left) * 0.7)
	while (rows[y] > (width - left) * 0.7) y++
	return rows.slice(y + 4)
})()`

// usual is the middle one of numbers.
const usual = `(rows => [...rows].sort((a, b) => a - b)[rows.length / 2 | 0])`

// dated makes lines for append: n entries, the first in a month and each half a year after the one before.
func dated(t *testing.T, retention string, begin time.Time, n int) (name string) {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"kind":"old","retention":%q,"time":"%s"}`+"\n", retention, begin.AddDate(0, 6*i, 0).Format(time.RFC3339))
	}
	name = filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestWhatIsGoneIsThin: of a cord whose bodies were trimmed a thread is left, and of one that was pruned dots above the end that is bound off.
func TestWhatIsGoneIsThin(t *testing.T) {
	browser := newBrowser(t)
	d := daemon.New(t, "alpha", "")
	begin := time.Now().UTC().AddDate(-7, 0, 0)
	d.Quipu(t, "append", "--ndjson", dated(t, "persistent", begin, 2)) // an op, below whose end is pruned
	d.Quipu(t, "append", "--ndjson", dated(t, "persistent", begin.AddDate(1, 0, 0), 10))
	d.Quipu(t, "append", "--ndjson", dated(t, "trimmable", begin.AddDate(1, 0, 0), 12))
	look := func(says string) (thick, gaps int) {
		t.Helper()
		d.Start(t)
		built(t, d)
		b := newTab(t, browser)
		b.look(1280, 900, "dark")
		b.signIn(d)
		b.wait(seen + `.includes(` + fmt.Sprintf("%q", says) + `)`)
		b.keep("marks-" + strings.ReplaceAll(says, " ", "-"))
		thick = eval[int](b, usual+`(`+thickness+`.slice(0, 300))`)
		gaps = eval[int](b, thickness+`.slice(0, 14).filter(n => n === 0).length`)
		d.Kill()
		return thick, gaps
	}
	whole, gaps := look("24 entries on 1 cord")
	if whole < 4 || gaps != 0 {
		t.Fatalf("a cord is %d pixels thick, with %d gaps, want it whole", whole, gaps)
	}
	d.Quipu(t, "trim", "--min-age", "0", "--min-count", "0", "--force")
	if thin, gaps := look("trimmed"); thin == 0 || thin*2 > whole || gaps != 0 {
		t.Errorf("a cord of %d pixels is one of %d with %d gaps when it is trimmed, want a thread", whole, thin, gaps)
	}
	d.Quipu(t, "prune", "--below", "2", "--yes", "--trim")
	if _, gaps := look("pruned"); gaps < 5 {
		t.Errorf("the beginning of a cord that was pruned has %d rows of nothing, want dots", gaps)
	}
}

// say appends an entry, and returns once it is there.
func say(t *testing.T, d *daemon.Daemon, line string) {
	t.Helper()
	response := post(t, d, "entries", "application/x-ndjson", line)
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(answer), `"`) {
		t.Fatalf("%s: %s, %v", response.Status, answer, err)
	}
}

// TestAStubIsMarked: a cord with an entry of a time far outside ends in a mark, and the year stands by it.
func TestAStubIsMarked(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	tie(t, d, 20)
	b := newTab(t, browser)
	b.look(1280, 900, "dark")
	b.signIn(d)
	b.wait(seen + `.startsWith('20 entries on 1 cord')`)
	if n := eval[int](b, warnings); n != 0 {
		t.Errorf("%d pixels warn of what has not happened", n)
	}
	say(t, d, `{"kind":"order.0","time":"2262-04-11T23:47:16Z"}`)
	b.open(d.URL + "/#" + code(t, d))
	b.wait(seen + `.includes('on 1 cord')`)
	b.wait(warnings + ` > 20`)
	b.keep("marks-stub")
	b.do(`document.querySelector('.loom').focus()`)
	b.press(kb.ArrowRight)
	b.wait(`document.querySelector('.cords [role=status]').innerText.includes('2262')`)
}

// extents are how wide and how high what is drawn in each dye of the dark is, from above to below, in the order of where they begin. The edge of a
// thin line has its dye at a part of its strength.
const extents = `(() => {
	const canvas = document.querySelector('.loom canvas'), {width, height} = canvas
	const {data} = canvas.getContext('2d').getImageData(0, 0, width, height)
	const boxes = ['f2636d', '8f9ff2', 'ecb43c', '8cc463', 'c58fe3', '55c0b2', 'f08e4f', 'ea93b8', 'c18a55', '7dbde8', 'c9c64e', 'a9b6c6'].map(d =>
		({rgb: [0, 2, 4].map(i => parseInt(d.slice(i, i + 2), 16)), x0: Infinity, x1: -1, y0: Infinity, y1: -1}))
	for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
		const at = 4 * (y * width + x)
		if (data[at + 3] < 64) continue
		const box = boxes.find(b => b.rgb.every((v, i) => Math.abs(v - data[at + i]) <= 5))
		if (!box) continue
		box.x0 = Math.min(box.x0, x); box.x1 = Math.max(box.x1, x); box.y0 = Math.min(box.y0, y); box.y1 = Math.max(box.y1, y)
	}
	return boxes.filter(b => b.x1 >= 0).sort((a, b) => a.y0 - b.y0).map(b => [b.x1 - b.x0 + 1, b.y1 - b.y0 + 1])
})()`

// TestAKnotIsDrawnAsFarAsItHasCome: an entry that all have is a knot alone, one that some have hangs in the half of a loop, and one that nobody
// else has in a whole one.
func TestAKnotIsDrawnAsFarAsItHasCome(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := serve(t, "beta", alpha.Log, "--join", alpha.Addr)
	gamma := serve(t, "gamma", alpha.Log, "--join", alpha.Addr)
	b := newTab(t, browser)
	b.look(1280, 1400, "dark")
	b.signIn(alpha)
	have := func(n, others int) {
		t.Helper()
		say(t, alpha, fmt.Sprintf(`{"kind":"k%d","time":"20%d-06-01T12:00:00Z"}`, n, 20+n))
		known := fmt.Sprintf(`fetch("v1/cords", {headers: {Authorization: "Bearer " + JSON.parse(sessionStorage.getItem("quipu.session")).token}})
			.then(a => a.json()).then(a => (a.cords[0].held ?? []).filter(h => h >= %d).length)`, n)
		for deadline := time.Now().Add(30 * time.Second); eval[int](b, known) < others; {
			if time.Now().After(deadline) {
				t.Fatalf("entry %d is not known to be on %d other nodes", n, others)
			}
		}
	}
	have(1, 2)
	gamma.Kill()
	have(2, 1)
	beta.Kill()
	have(3, 0)
	b.open(alpha.URL + "/#" + code(t, alpha))
	b.wait(seen + `.startsWith('3 entries')`)
	b.wait(fmt.Sprintf(`(([tight, half, open]) => half[0] > 1.4 * tight[0] && open[0] > 1.4 * tight[0] && open[1] > 1.15 * half[1] && half[1] > 1.15 * tight[1])(%s)`, extents))
	b.keep("marks-knots")
	t.Logf("tight, half and open knots are so wide and high: %v", eval[[][2]int](b, extents))
}
