package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/quipulog/quipu/integration/daemon"
)

// views are all of them; each shows itself in words when it is there.
var views = []string{"picture", "entries", "subject", "subject?subject=order-1", "members", "followers", "forks", "rates", "node"}

// grown is a node with something of everything: moves of a subject, two members, a follower that has parked an entry.
func grown(t *testing.T) *daemon.Daemon {
	t.Helper()
	alpha := serve(t, "alpha", "")
	beta := daemon.New(t, "beta", alpha.Log)
	beta.Quipu(t, "transition", "--subject", "order-1", "--to", "shipped") // it has not seen the move below
	beta.Start(t, "--join", alpha.Addr)
	alpha.Quipu(t, "append", "--kind", "order.placed", "--subject", "order-1", "--payload", `{"cents":1250}`)
	alpha.Quipu(t, "transition", "--subject", "order-1", "--to", "paid", "--trigger", "card")
	alpha.Quipu(t, "follow", "mailer", "--kind", "order.placed", "--retry", "--park-after", "1", "--once", "--exec", "cat >&2; exit 1")
	return alpha
}

// TestEveryViewIsForEverybody: axe-core finds nothing in any view, in either theme, on a phone and on a large screen; no view is wider than
// the window. An empty log says what to type.
func TestEveryViewIsForEverybody(t *testing.T) {
	browser := newBrowser(t)
	full, empty := grown(t), serve(t, "empty", "")
	widths := []int64{320, 760, 1280, 3840}
	if os.Getenv("QUIPU_SCREENSHOTS") != "" {
		widths = append(widths, 2560)
	}
	for name, d := range map[string]*daemon.Daemon{"full": full, "empty": empty} {
		b := newTab(t, browser)
		b.signIn(d)
		for _, view := range views {
			for _, theme := range []string{"light", "dark"} {
				for _, width := range widths {
					b.look(width, width*5/8+200, theme)
					b.show("#/" + view)
					b.wait(fmt.Sprintf(`document.documentElement.dataset.theme === %q && document.querySelector('.telling .words').innerText !== ''`, theme))
					if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
						t.Errorf("%s is %d pixels wider than a window of %d", view, over, width)
					}
					b.keep(fmt.Sprintf("%s-%s-%s-%d", name, strings.Map(plain, view), theme, width))
				}
				for _, found := range b.violations() {
					t.Errorf("%s, %s, %s: axe-core finds %s", name, view, theme, found)
				}
			}
		}
		if hints := b.text(".hints"); name == "empty" && !strings.Contains(hints, "quipu append --dir "+d.Dir) {
			t.Errorf("an empty log says %q", hints)
		}
	}
}

func plain(r rune) rune {
	if strings.ContainsRune("?=", r) {
		return '-'
	}
	return r
}

// TestByKeyboardAlone goes from the address bar to an entry and back with the keyboard: the link to the content is first, the focus is
// always to be seen, and a view that was gone to has the focus at its heading.
func TestByKeyboardAlone(t *testing.T) {
	browser := newBrowser(t)
	d := grown(t)
	b := newTab(t, browser)
	b.signIn(d)
	b.do(`document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')`)
	focused := func() string { return eval[string](b, `document.activeElement.innerText`) }
	b.press(kb.Tab)
	if at := focused(); at != "Skip to the content" {
		t.Fatalf("the first is %q", at)
	}
	to := func(text string) {
		t.Helper()
		for range 60 {
			if focused() == text {
				return
			}
			b.press(kb.Tab)
			if seen := eval[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== 'none'`); !seen {
				t.Errorf("nobody sees that %q has the focus", focused())
			}
		}
		t.Fatalf("the keyboard does not come to %q", text)
	}
	to("Entries")
	b.press(kb.Enter)
	b.wait(`document.activeElement.tagName === 'H1' && document.activeElement.innerText === 'Entries'`)
	b.wait(rows + `.length > 2`)
	to("Filter")
	b.press(kb.Enter)
	b.wait(`document.querySelector('form input[name=kind]')`)
	b.press(kb.Tab)
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent("order.*")); err != nil {
		t.Fatal(err)
	}
	b.press(kb.Enter)
	b.wait(`document.querySelectorAll('.chip').length === 1 && ` + rows + `.join() === 'order-1'`)
	to("0")
	b.press(kb.Enter)
	b.wait(`location.hash.includes('knot=')`)
}

// TestEveryCommandShownIsOne types what the page shows as commands, but those that change something, into a shell: each is
// done, and so is each line of curl with a token.
func TestEveryCommandShownIsOne(t *testing.T) {
	browser := newBrowser(t)
	d := grown(t)
	token := strings.TrimSpace(d.Quipu(t, "token", "create", "--name", "reader", "--scope", "read"))
	b := newTab(t, browser)
	b.signIn(d)
	tried := map[string]bool{}
	for _, view := range append(views, "entries?kind=it%27s%20%24(exit)&subject=a%0Ab&from=2020-01-01T00:00:00.000Z&author="+eval[string](b, `document.querySelector('.whose .who').title`)) {
		b.show("#/" + view)
		b.wait(`document.querySelector('.telling .words').innerText !== ''`)
		b.do(`document.querySelectorAll('details').forEach(d => { d.open = true })`)
		for _, line := range eval[[]string](b, `[...document.querySelectorAll('.telling code')].map(c => c.textContent)`) {
			if tried[line] || strings.HasPrefix(line, "quipu top") || strings.HasPrefix(line, "quipu tail") { // which do not end
				continue
			}
			tried[line] = true
			cmd := exec.CommandContext(b.ctx, "bash", "-c", strings.ReplaceAll(line, "curl -s ", "curl -sf "))
			cmd.Env = append(cmd.Environ(), "TOKEN="+token, "PATH="+filepath.Dir(daemon.Binary(t))+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", line, err, out)
			}
		}
	}
	if len(tried) < 2*len(views) {
		t.Errorf("the views show %d lines in all, want two each at least", len(tried))
	}
}
