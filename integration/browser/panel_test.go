package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// worse are what hostile lacks: long texts without a place to break, and each kind of character that turns or hides what is beside it.
var worse = []string{
	strings.Repeat("W", 1000), strings.Repeat("é\u0301", 400), strings.Repeat("&nbsp;", 150), strings.Repeat("\u2028\u2029", 100), strings.Repeat("\u202e", 300) + "x",
	"\u061c\u200e\u200f\u202a\u202b\u202d\u00ad\u180e\u2060\ufff9\U000e0041", "\x00\x01\x7f\u0085\u009f", strings.Repeat("<b>", 300), strings.Repeat("شششش", 240),
}

// harmless holds what the page shows against what strangers may do to it.
func (b *tab) harmless(what string, width int64) {
	b.t.Helper()
	if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		b.t.Errorf("%s is %d pixels wider than a window of %d", what, over, width)
	}
	shown := []rune(eval[string](b, `document.querySelector('main').textContent + [...document.querySelectorAll('[title], [aria-label]')].map(e => e.title + e.ariaLabel).join('')`))
	if i := slices.IndexFunc(shown, func(r rune) bool {
		return unicode.In(r, unicode.Bidi_Control, unicode.Cf, unicode.Zl, unicode.Zp) || (unicode.IsControl(r) && r != '\n')
	}); i >= 0 {
		b.t.Errorf("%s has %U in %q", what, shown[i], string(shown[max(0, i-20):min(len(shown), i+20)]))
	}
	if n := eval[int](b, `document.querySelectorAll('main script, main style, main img, main iframe, object, embed, [onload], [onerror], a[href^="javascript"]').length`); n > 0 {
		b.t.Errorf("%s has %d elements that the page does not have", what, n)
	}
}

// TestAnEntryOfAStrangerIsOpened opens entries that are meant to hurt, in each way in which a payload is shown, and drops a bundle of them, with a
// name that is, onto the page that needs no node. Nothing runs, nothing hides, and nothing leaves the window.
func TestAnEntryOfAStrangerIsOpened(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	var places []string
	for i, text := range append(slices.Clone(hostile), worse...) {
		kind := string([]rune(text)[:min(len([]rune(text)), 60)])
		entry := map[string]any{"kind": kind, "subject": string([]rune(text)[:min(len([]rune(text)), 250)]), "module": kind, "headers": map[string]string{"h": text}}
		if i%2 == 0 {
			entry["payload"] = map[string]any{text: []any{text, map[string]string{"a": text}}}
		} else {
			entry["payload"], entry["contentType"] = text, kind
		}
		line, err := json.Marshal(entry)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "line")
		if err := os.WriteFile(name, line, 0o600); err != nil {
			t.Fatal(err)
		}
		places = append(places, strings.Fields(d.Quipu(t, "append", "--ndjson", name))[0])
	}
	b := newTab(t, browser)
	b.signIn(d)
	named := map[string]bool{}
	for i, place := range places {
		b.show("#/entries")
		b.wait(`!document.querySelector('.knot')`)
		b.show("#/entries?knot=" + place)
		b.wait(`document.querySelector('.knot .payload')`)
		for _, width := range []int64{320, 1280} {
			b.look(width, 800, "light")
			for way := range eval[int](b, `document.querySelectorAll('.knot .ways button').length`) {
				b.do(fmt.Sprintf(`document.querySelectorAll('.knot .ways button')[%d].click(); document.querySelectorAll('.knot details').forEach(d => { d.open = true })`, way))
				b.wait(fmt.Sprintf(`document.querySelectorAll('.knot .ways button')[%d].ariaPressed === 'true'`, way))
				b.harmless(fmt.Sprintf("entry %d", i), width)
			}
			if i == 1 || i == len(hostile) {
				b.keep(fmt.Sprintf("panel-hostile-%d-%d", i, width))
			}
		}
		for _, name := range eval[[]string](b, `[...document.querySelectorAll('.knot .named')].map(n => n.innerText)`) {
			named[name] = true
		}
	}
	for _, name := range []string{"LF", "TAB", "ESC", "NUL", "U+0007", "U+202E", "U+2066", "U+200B", "U+FEFF", "U+2028", "U+00AD", "U+0085", "U+007F"} {
		if !named[name] {
			t.Errorf("the panel does not show that there is %s", name)
		}
	}

	name := filepath.Join(t.TempDir(), "hostile.bundle")
	d.Quipu(t, "bundle", "create", name)
	bundle, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b = newTab(t, browser)
	b.open(d.URL + "/offline.html")
	b.wait(`document.querySelector('input[type=file]')`)
	for i, text := range append(slices.Clone(hostile), worse...) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		b.do(fmt.Sprintf(`{ const held = new DataTransfer()
			held.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], %s))
			document.querySelector('h1').dispatchEvent(new DragEvent('drop', {dataTransfer: held, bubbles: true, cancelable: true})) }`, base64.StdEncoding.EncodeToString(bundle), quoted))
		b.wait(fmt.Sprintf(`document.querySelectorAll('.checked article[aria-busy=false]').length === %d && !document.querySelector('.checked article[aria-busy=true]')`, min(12, i+1)))
	}
	if n := eval[int](b, `document.querySelectorAll('.checked .verdict.sound').length`); n != 12 {
		t.Errorf("%d of the bundles hold, want each of the last 12:\n%s", n, b.text(".checked"))
	}
	for _, width := range []int64{320, 1280} {
		b.look(width, 800, "light")
		b.harmless("offline.html", width)
		b.keep(fmt.Sprintf("offline-hostile-%d", width))
	}
}
