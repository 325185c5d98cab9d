package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/quipulog/quipu/integration/daemon"
)

// warnings counts the pixels of the picture that have the colour in which, where no follower fails, only the second strand of a
// forked cord is drawn in the dark.
const warnings = `(() => {
	const canvas = document.querySelector('.loom canvas')
	const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
	let n = 0
	for (let i = 0; i < data.length; i += 4) if (data[i] === 0xff && data[i + 1] === 0x93 && data[i + 2] === 0x87) n++
	return n
})()`

// lines writes a file of lines, which append takes.
func lines(t *testing.T, line string, n int) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(name, []byte(strings.Repeat(line+"\n", n)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// parted makes two bundles of an author that contradicts itself: an old state of its folder is put back into its place, as a backup is,
// and goes on.
func parted(t *testing.T, log string) (author string, bundles []string) {
	t.Helper()
	d := daemon.New(t, "alpha", log)
	author, _, _ = strings.Cut(d.Quipu(t, "append", "--kind", "before", "--subject", "s"), "/")
	file := filepath.Join(d.Dir, "quipu.db")
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for n, branch := range []string{"one", "other"} {
		if err := os.WriteFile(file, saved, 0o600); err != nil {
			t.Fatal(err)
		}
		d.Quipu(t, "append", "--ndjson", lines(t, fmt.Sprintf(`{"kind":"branch","subject":%q}`, branch), n+1))
		bundles = append(bundles, filepath.Join(folder, branch))
		d.Quipu(t, "bundle", "create", bundles[n])
	}
	return author[:8], bundles
}

// TestAForkIsTwoStrands: a fork that comes while somebody looks is drawn as two strands, and said in words in the picture, in the view of
// forks, in the list and beside each entry of it.
func TestAForkIsTwoStrands(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "gamma", "")
	d.Quipu(t, "append", "--kind", "note")
	alpha, bundles := parted(t, d.Log)
	d.Quipu(t, "bundle", "apply", bundles[0])
	b := newTab(t, browser)
	b.look(1280, 900, "dark")
	b.signIn(d)
	b.wait(seen + `.startsWith('3 entries on 2 cords')`)
	if n := eval[int](b, warnings); n != 0 {
		t.Errorf("%d pixels warn of what has not happened", n)
	}
	d.Quipu(t, "bundle", "apply", bundles[1])
	b.wait(seen + `.startsWith('6 entries on 2 cords')`)
	b.wait(warnings + ` > 20`)
	if says := eval[string](b, seen); !strings.Contains(says, "1 author contradicts itself.") {
		t.Errorf("of what is seen the picture says %q", says)
	}
	b.keep("strands-fork")
	b.do(`document.querySelector('.loom').focus()`)
	b.press(kb.ArrowRight, kb.ArrowRight)
	spoken := `document.querySelector('.cords [role=status]').innerText`
	b.wait(spoken + `.includes('cord of ` + alpha + `')`)
	if says := eval[string](b, spoken); !strings.Contains(says, "4 entries · contradicts itself from 1 on") {
		t.Errorf("of the cord the picture says %q", says)
	}

	b.show("#/forks")
	b.wait(`document.querySelector('.fork .branches')`)
	says := b.text("main")
	for _, want := range []string{
		"4 entries on 2 branches are disputed, from seq 1 on", "Several processes have written with this author’s key", "Nothing is lost.",
		"Not in doubt: the entries of this author below seq 1, and all other authors.", "recover --dir D --new-key", "after seq 0, op", "Branch 1", "Branch 2",
		"A proof of the fork was verified by this node.", "1 author has signed two entries for one place: " + alpha + ". 4 entries are disputed; none is lost.",
	} {
		if !strings.Contains(says, want) {
			t.Errorf("the page does not say %q of the fork, but:\n%s", want, says)
		}
	}
	if n := eval[int](b, `document.querySelectorAll('.strands .strand').length`); n != 2 {
		t.Errorf("%d strands are drawn in the view of forks, want 2", n)
	}
	b.keep("strands-forks")
	if found := b.violations(); len(found) > 0 {
		t.Errorf("axe-core finds %q", found)
	}

	b.show("#/entries?kind=branch")
	b.wait(rows + `.join() === 'other,other,one'`)
	for i, subject := range []string{"other", "other", "one"} {
		b.do(fmt.Sprintf(`document.querySelectorAll('td.seq a')[%d].click()`, i))
		b.wait(fmt.Sprintf(`document.querySelector('.knot .disputed') && document.querySelector('.knot').innerText.includes(%q)`, subject))
		b.do(`document.querySelector('.knot .verify button').click()`)
		b.wait(`document.querySelector('.knot .verdict.sound')`)
		b.do(`document.querySelector('.knot .close').click()`)
		b.wait(`!document.querySelector('.knot')`)
	}
}

// TestWhatIsForgottenIsTold: a cord says how much of it was pruned and trimmed, and has knots for the rest; of an entry that is gone the
// page says that it is gone.
func TestWhatIsForgottenIsTold(t *testing.T) {
	browser := newBrowser(t)
	d := daemon.New(t, "alpha", "")
	d.Quipu(t, "append", "--ndjson", lines(t, `{"kind":"pruned"}`, 2))
	trimmed := strings.Fields(d.Quipu(t, "append", "--ndjson", lines(t, `{"kind":"trimmed","retention":"trimmable"}`, 3)))
	d.Quipu(t, "append", "--kind", "kept")
	d.Quipu(t, "prune", "--below", "2", "--yes", "--trim")
	d.Quipu(t, "trim", "--min-age", "0", "--min-count", "0", "--force")
	d.Start(t)
	built(t, d)
	b := newTab(t, browser)
	b.look(1280, 900, "dark")
	b.signIn(d)
	b.wait(seen + `.startsWith('5 entries on 1 cord')`)
	b.do(`document.querySelector('.loom').focus()`)
	b.press(kb.ArrowRight)
	spoken := `document.querySelector('.cords [role=status]').innerText`
	b.wait(spoken + ` !== ''`)
	if says, want := eval[string](b, spoken), "The cord of alpha. 5 entries · the first 2 were pruned · 3 without their bodies"; says != want {
		t.Errorf("of the cord the picture says %q, want %q", says, want)
	}
	if says := eval[string](b, seen); !strings.Contains(says, "3 bodies were trimmed; the first 2 of “alpha” were pruned.") {
		t.Errorf("of what is seen the picture says %q", says)
	}
	b.keep("strands-forgotten")
	b.show("#/entries?knot=" + trimmed[0])
	b.wait(`document.querySelector('.knot .refusal')`)
	if says := b.text(".knot"); !strings.Contains(says, "which were trimmed here") || !strings.Contains(says, "only its number is left") {
		t.Errorf("of an entry that was trimmed the page says:\n%s", says)
	}
}
