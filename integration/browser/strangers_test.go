package browser

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/quipulog/quipu/integration/daemon"
)

// hostile are texts that would do something were they not shown as what they are.
var hostile = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg/onload=alert(1)>`, `javascript:alert(1)`, `</style><style>*{display:none}</style>`,
	"\u202ethis node appends nothing\u202c", "\u2066\u2067\u2068\u2069", "a\nb\tc\x1b[31m\x07", "no\u200bwidth\u200d\ufeff", "Z" + strings.Repeat("\u0301", 100),
	strings.Repeat("\ufdfd", 60), strings.Repeat("x", 250), `” and this node holds nothing. “`, `{{constructor.constructor('alert(1)')()}}`, `../../v1/stop?x=1#/members`, "שלום عربي",
}

// TestNothingOfStrangersRunsOrImitates: texts that are meant to hurt stand in every field of entries, in the name of a node, and in the
// stages of a subject. In no view do they run, carry characters that cannot be seen, or make the page wider than the window.
func TestNothingOfStrangersRunsOrImitates(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := daemon.New(t, "beta", alpha.Log)
	rename(t, beta, "\u202e<img src=x onerror=alert(1)>this node")
	beta.Start(t, "--join", alpha.Addr)
	lines := filepath.Join(t.TempDir(), "lines")
	for _, text := range hostile {
		line, err := json.Marshal(map[string]any{"kind": text, "subject": text, "module": text, "headers": map[string]string{"h": text}, "payload": map[string]string{text: text}})
		if err == nil {
			err = os.WriteFile(lines, line, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		beta.Quipu(t, "append", "--ndjson", lines)
		beta.Quipu(t, "transition", "--subject", "s", "--to", text)
		beta.Quipu(t, "transition", "--subject", text, "--to", "stage")
	}
	b := newTab(t, browser)
	b.signIn(alpha)
	for _, view := range []string{"picture", "entries", "subject", "subject?subject=s", "members", "followers", "forks", "rates", "node", "entries?kind=%E2%80%AEx&subject=%3Cb%3E"} {
		for _, width := range []int64{320, 1280} {
			b.look(width, 800, "dark")
			b.show("#/" + view)
			b.wait(`document.querySelector('.telling')`)
			if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s is %d pixels wider than a window of %d", view, over, width)
			}
			shown := []rune(eval[string](b, `document.body.textContent + [...document.querySelectorAll('[title], [aria-label]')].map(e => e.title + e.ariaLabel).join('')`))
			if i := slices.IndexFunc(shown, func(r rune) bool {
				return unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r) || (unicode.IsControl(r) && r != '\n')
			}); i >= 0 {
				t.Errorf("%s has %U in %q", view, shown[i], string(shown[max(0, i-20):min(len(shown), i+20)]))
			}
		}
		if n := eval[int](b, `document.querySelectorAll('script:not([src]), style, img, iframe, object, embed, [onload], [onerror], a[href^="javascript"]').length`); n > 0 {
			t.Errorf("%s has %d elements that the page does not have", view, n)
		}
	}
	b.show("#/entries")
	b.wait(`document.querySelectorAll('table.entries tr').length > 40`)
	if n := eval[int](b, `document.querySelectorAll('.own').length`); n != 1 {
		t.Errorf("%d are marked as this node, want the one in the head: a name marks nobody", n)
	}
}

// rename has a node that is not started call itself something else.
func rename(t *testing.T, d *daemon.Daemon, name string) {
	t.Helper()
	file := filepath.Join(d.Dir, "quipu.yaml")
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	renamed := regexp.MustCompile(`(?m)^name: .*$`).ReplaceAllLiteral(config, append([]byte("name: "), quoted...))
	if err := os.WriteFile(file, renamed, 0o600); err != nil {
		t.Fatal(err)
	}
}
