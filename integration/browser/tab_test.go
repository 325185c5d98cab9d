package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/quipulog/quipu/integration/daemon"
)

// tab is a tab of its own in which a node's page is looked at.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// newTab opens a tab. What the page's own script throws, or its policy refuses, fails the test.
func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw %s", e.ExceptionDetails.Text)
		case *cdppage.EventJavascriptDialogOpening:
			t.Errorf("the page opened a dialog: %s", e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return &tab{t, ctx}
}

// post calls a node over its socket, as the commands do that are typed on its machine.
func post(t *testing.T, d *daemon.Daemon, route, contentType, body string) *http.Response {
	t.Helper()
	socket := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(d.Dir, "quipu.sock"))
	}}}
	t.Cleanup(socket.CloseIdleConnections)
	response, err := socket.Post("http://quipu/v1/"+route, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// code has a node make a code that signs in once, as its page command does.
func code(t *testing.T, d *daemon.Daemon) string {
	t.Helper()
	response := post(t, d, "page/codes", "application/json", "{}")
	defer response.Body.Close()
	var made struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil || made.Code == "" {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return made.Code
}

// built skips a test where the binary has no page: dist is made by npm run build in node/page.
func built(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	response, err := http.Get(d.URL + "/offline.html")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return
	}
	if os.Getenv("QUIPU_E2E") != "" {
		t.Fatalf("the binary has no page: %s", response.Status)
	}
	t.Skip("the binary has no page: npm run build in node/page makes it")
}

// serve starts a node whose page can be looked at.
func serve(t *testing.T, name, log string, flags ...string) *daemon.Daemon {
	t.Helper()
	d := daemon.New(t, name, log)
	d.Start(t, flags...)
	built(t, d)
	return d
}

// signIn opens the page of a node by a link that signs in, and waits until it is live.
func (b *tab) signIn(d *daemon.Daemon) {
	b.t.Helper()
	b.open(d.URL + "/#" + code(b.t, d))
	b.wait(`document.querySelector('.pulse.live')`)
}

// open loads an address, also where it differs from the last in its fragment alone.
func (b *tab) open(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(url)); err != nil {
		b.t.Fatal(err)
	}
}

// show goes to a view by its fragment.
func (b *tab) show(fragment string) {
	b.t.Helper()
	b.do(fmt.Sprintf(`location.hash = %q`, fragment))
}

func (b *tab) do(script string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](script)); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// wait returns once a condition holds in the page. It says what the page shows where that does not come.
func (b *tab) wait(condition string) {
	b.t.Helper()
	script := fmt.Sprintf(`new Promise(done => {
		const tries = setInterval(() => {
			let holds = false
			try { holds = %s } catch {}
			if (holds) { clearInterval(tries); done(true) }
		}, 20)
		setTimeout(() => { clearInterval(tries); done(false) }, 30000)
	})`, condition)
	if !eval[bool](b, script) {
		b.t.Fatalf("in 30 s there is not %s; the page says:\n%s", condition, eval[string](b, `document.body.innerText.slice(0, 2000)`))
	}
}

// eval returns what an expression gives in the page, awaited.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// text returns what the page shows as text in the elements of a selector.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText).join('\n')`, selector))
}

// press presses keys one after the other.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		if err := chromedp.Do(b.ctx, chromedp.KeyEvent(key)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// look sets how wide the page is, and whether the system is dark.
func (b *tab) look(width, height int64, theme string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, height)); err != nil {
		b.t.Fatal(err)
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// keep writes a picture of what is to be seen into the folder that $QUIPU_SCREENSHOTS names.
func (b *tab) keep(name string) {
	b.t.Helper()
	folder := os.Getenv("QUIPU_SCREENSHOTS")
	if folder == "" {
		return
	}
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), shot, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// violations returns what axe-core finds in what is to be seen, none where it is not installed: npm ci in node/page does that.
func (b *tab) violations() []string {
	b.t.Helper()
	axe, err := os.ReadFile("../../node/page/node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			b.t.Fatal(err)
		}
		return nil
	}
	if !eval[bool](b, `'axe' in window`) {
		b.do(string(bytes.TrimRight(axe, "\n;")) + "\n;0")
	}
	return eval[[]string](b, `axe.run().then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; ')))`)
}
