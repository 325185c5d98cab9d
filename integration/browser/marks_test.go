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
