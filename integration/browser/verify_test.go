package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/quipulog/quipu/integration/daemon"
)

// What the page says of how it checked signatures: by the browser's own implementation, or by the one that the page brings along.
const (
	byBrowser = "by this browser’s own WebCrypto"
	byPage    = "by @noble/ed25519 and @noble/hashes, which are part of this page: it came by plain http"
)

// together has a node append a batch of five entries, which makes them one op, and returns the place of the third: the proof of it has a path.
func together(t *testing.T, d *daemon.Daemon) (place string) {
	t.Helper()
	var events []string
	for i := range 5 {
		events = append(events, fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/shop","type":"order.placed","subject":"order-%[1]d","data":{"cents":%d}}`, i, 1250*i))
	}
	response := post(t, d, "entries", "application/cloudevents-batch+json", "["+strings.Join(events, ",")+"]")
	defer response.Body.Close()
	var told struct{ Appended []struct{ Place string } }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil || len(told.Appended) != 5 {
		t.Fatalf("%s: %v, %v, want five places", response.Status, told, err)
	}
	return told.Appended[2].Place
}

// TestAnEntryIsVerifiedWhereItIsRead opens an entry from the table and has the page verify it. A node that shows another entry than the one
// that its proof is of is not believed.
func TestAnEntryIsVerifiedWhereItIsRead(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	place := together(t, d)
	b := newTab(t, browser)
	b.signIn(d)
	b.show("#/entries?subject=order-2")
	b.wait(rows + `.join() === 'order-2'`)
	verify := func() {
		t.Helper()
		b.do(`document.querySelector('td.payload').click()`)
		b.wait(`document.querySelector('.knot .verify button')`)
		b.do(`document.querySelector('.knot .verify button').click()`)
		b.wait(`document.querySelector('.knot .verdict')`)
		b.do(`document.querySelectorAll('.knot details').forEach(d => { d.open = true })`)
	}
	verify()
	author, seq, _ := strings.Cut(place, "/")
	says := b.text(".knot")
	for _, want := range []string{
		"Genuine: its author signed exactly this, as number " + seq + " of its feed in this log.",
		byBrowser, "It is entry 2, from 0, of 5 in its op.", author, "The log is the one that this node says it has", "order-2",
	} {
		if !strings.Contains(says, want) {
			t.Errorf("the page does not say %q of the entry, but:\n%s", want, says)
		}
	}
	b.keep("verify-entry")
	if found := b.violations(); len(found) > 0 {
		t.Errorf("axe-core finds %q", found)
	}

	b.do(`{ const asked = window.fetch
	window.fetch = async (...call) => {
		const answer = await asked(...call)
		if (!String(call[0]).includes('/v1/entries/') || String(call[0]).includes('/proof')) return answer
		return new Response((await answer.text()).replace('order.placed', 'order.faked'), answer)
	} }
	document.querySelector('.knot .close').click()`)
	b.wait(`!document.querySelector('.knot')`)
	verify()
	if says := b.text(".knot .verify"); !strings.Contains(says, "Do not believe this node") || strings.Contains(says, "Genuine") {
		t.Errorf("of another entry than the one that is proven the page says:\n%s", says)
	}
}

// file is a file that the page is given, and what the page has to say of it.
type file struct {
	name  string
	bytes []byte
	says  string
}

// proofs are the proof of an entry, which holds, and that proof with one character changed in each of its parts.
func proofs(t *testing.T, d *daemon.Daemon, place string) []file {
	t.Helper()
	whole := []byte(d.Quipu(t, "prove", place))
	files := []file{{"whole.json", whole, "This proof holds: the author below has signed this entry, as number " + place[strings.Index(place, "/")+1:] + " of its feed"}}
	const unread = "This reads like a proof, and is none that can be checked:"
	for _, change := range []struct{ part, at, says string }{
		{"version", `"version":()`, unread},
		{"log", `"log":".{10}()`, "The op is not of this log:"},
		{"place", `"place":".{10}()`, unread},
		{"seq", `"place":"[0-9a-f]{64}/()`, unread},
		{"index", `"index":()`, unread},
		{"entry", `"entry":"[^"]*()[^"]{4}"`, "The hashes do not lead to the root:"},
		{"path", `"path":\["[^"]*()[^"]{4}"`, "The hashes do not lead to the root:"},
		{"author", `"headers":\[".{40}()`, unread},
		{"signature", `"headers":\["[^"]*()[^"]{40}"`, "The author has not signed this:"},
		{"end", `}()\n$`, unread},
	} {
		where := regexp.MustCompile(change.at).FindSubmatchIndex(whole)
		if where == nil {
			t.Fatalf("no %s in %s", change.at, whole)
		}
		files = append(files, file{change.part + ".json", changed(whole, where[2]), change.says})
	}
	return files
}

// changed returns bytes of which one is another: a digit where there was another character, which is right in hex, base64 and numbers.
func changed(b []byte, at int) []byte {
	b = bytes.Clone(b)
	if b[at] == '0' {
		b[at] = '1'
	} else {
		b[at] = '0'
	}
	return b
}

// bundles are a bundle, which is whole, and that bundle cut short and with one byte changed, near its beginning and far from it.
func bundles(t *testing.T, d *daemon.Daemon) []file {
	t.Helper()
	name := filepath.Join(t.TempDir(), "all.bundle")
	d.Quipu(t, "bundle", "create", name)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const (
		neither = "This is neither a bundle nor a proof."
		unread  = "This begins like a bundle, and cannot be used:"
		damaged = "This bundle is damaged. What is listed holds all the same."
	)
	n := len(whole)
	files := []file{{"whole.bundle", whole, "This bundle is whole, and everything in it holds. What holds in it: 5 entries in 1 op, of 1 author."}}
	for at, says := range map[int]string{3: neither, 24: unread, n / 2: damaged, n * 3 / 4: damaged, n - 1: damaged} {
		files = append(files,
			file{fmt.Sprintf("changed-%d.bundle", at), changed(whole, at), says},
			file{fmt.Sprintf("cut-%d.bundle", at), whole[:at], says})
	}
	return files
}

// put writes files into a folder, and returns their paths.
func put(t *testing.T, files []file) (paths []string) {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files {
		path := filepath.Join(folder, f.name)
		if err := os.WriteFile(path, f.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// choose gives the page files by its button.
func (b *tab) choose(files []file) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.SetUploadFiles("input[type=file]", put(b.t, files))); err != nil {
		b.t.Fatal(err)
	}
}

// drop lets files fall onto the page.
func (b *tab) drop(files []file) {
	b.t.Helper()
	var items strings.Builder
	for _, f := range files {
		fmt.Fprintf(&items, "held.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], %q));", base64.StdEncoding.EncodeToString(f.bytes), f.name)
	}
	left := eval[bool](b, `(() => { const held = new DataTransfer(); `+items.String()+`
		return document.querySelector('h1').dispatchEvent(new DragEvent('drop', {dataTransfer: held, bubbles: true, cancelable: true})) })()`)
	if left {
		b.t.Error("the browser would open what was dropped in place of the page")
	}
}

// verdict is what the page says of a file.
type verdict struct {
	Name   string `json:"name"`
	Sound  bool   `json:"sound"`
	Reason string `json:"reason"`
	Says   string `json:"says"`
}

// judged waits until the page has checked files, and returns its verdicts in the order of these. Only the first of them is sound, and
// the page says so of no other; of each other it says why.
func (b *tab) judged(files []file, by string) (verdicts []verdict) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`[...document.querySelectorAll('.checked article[aria-busy=false]')].filter(a => a.querySelector('h3').innerText.startsWith(%q)).length === 1`, files[len(files)-1].name))
	for i, f := range files {
		v := eval[verdict](b, fmt.Sprintf(`(() => {
			const [a] = [...document.querySelectorAll('.checked article[aria-busy=false]')].filter(a => a.querySelector('h3').innerText.startsWith(%q))
			return {name: %[1]q, sound: !!a.querySelector('.verdict.sound') && !a.querySelector('.failed'), reason: a.querySelector('.key')?.innerText ?? '', says: a.innerText}
		})()`, f.name))
		if v.Sound != (i == 0) || !strings.Contains(v.Says, f.says) {
			b.t.Errorf("%s: the page says not %q, but:\n%s", f.name, f.says, v.Says)
		}
		if i > 0 && v.Reason == "" && !strings.HasPrefix(f.says, "This is neither") {
			b.t.Errorf("%s: the page does not say why it is refused:\n%s", f.name, v.Says)
		}
		if i == 0 && !strings.Contains(v.Says, by) {
			b.t.Errorf("%s: the page does not say that it was checked %s:\n%s", f.name, by, v.Says)
		}
		v.Says = ""
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// TestFilesAreCheckedWhereTheyAreDropped: a proof and a bundle are verified in the page. With a byte changed, or cut short, each is refused
// with the reason, as the program refuses it.
func TestFilesAreCheckedWhereTheyAreDropped(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	place := together(t, d)
	b := newTab(t, browser)
	b.signIn(d)
	for _, kind := range []struct {
		files   []file
		command []string
	}{{proofs(t, d, place), []string{"check-proof"}}, {bundles(t, d), []string{"bundle", "show"}}} {
		for i, path := range put(t, kind.files) {
			out, err := exec.CommandContext(t.Context(), daemon.Binary(t), append(kind.command, path)...).CombinedOutput()
			if (err == nil) != (i == 0) {
				t.Errorf("%q of %s: %v: %s", kind.command, path, err, out)
			}
		}
		b.drop(kind.files)
		dropped := b.judged(kind.files, byBrowser)
		b.keep("verify-" + kind.command[0])
		if found := b.violations(); len(found) > 0 {
			t.Errorf("axe-core finds %q", found)
		}
		b.do(`document.querySelectorAll('.checked article > button').forEach(close => close.click())`)
		b.wait(`!document.querySelector('.checked article')`)
		b.choose(kind.files)
		if chosen := b.judged(kind.files, byBrowser); !slices.Equal(chosen, dropped) {
			t.Errorf("of files that were chosen the page says\n%+v\nand of those that were dropped\n%+v", chosen, dropped)
		}
	}
}

// TestAnAuditorNeedsNoNode: offline.html, saved as a file, verifies the same without a node, makes no request for it, and could make none.
func TestAnAuditorNeedsNoNode(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	files := [][]file{proofs(t, d, together(t, d)), bundles(t, d)}
	response, err := http.Get(d.URL + "/offline.html")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	d.Kill()
	saved := "file://" + put(t, []file{{name: "offline.html", bytes: page}})[0]

	b := newTab(t, browser)
	var mu sync.Mutex
	var requests []string
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, is := event.(*network.EventRequestWillBeSent); is {
			mu.Lock()
			defer mu.Unlock()
			requests = append(requests, e.Request.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.open(saved)
	b.wait(`document.querySelector('input[type=file]')`)
	for _, some := range files {
		b.choose(some)
		b.judged(some, byBrowser)
	}
	b.keep("verify-offline")
	if found := b.violations(); len(found) > 0 {
		t.Errorf("axe-core finds %q", found)
	}
	mu.Lock()
	if at := slices.Index(requests, saved); at < 0 || at+1 != len(requests) {
		t.Errorf("the page made requests: %q, want none after %s", requests, saved)
	}
	mu.Unlock()

	var calls atomic.Int64
	somewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}))
	t.Cleanup(somewhere.Close)
	for _, way := range []string{
		`fetch(url, {mode: 'no-cors'}).then(() => true, () => false)`,
		`new Promise(done => { const image = new Image(); image.onload = () => done(true); image.onerror = () => done(false); image.src = url })`,
	} {
		if eval[bool](b, fmt.Sprintf(`(url => %s)(%q)`, way, somewhere.URL)) || calls.Load() > 0 {
			t.Errorf("the page could ask by %s", way)
		}
	}
}

// TestPlainHTTPFromElsewhere: by plain http from a host that is no loopback a browser offers no WebCrypto. The page's own implementation comes to the
// same verdicts, and the page says which it was and what that means.
func TestPlainHTTPFromElsewhere(t *testing.T) {
	const host = "node.example"
	browser := newBrowser(t, chromedp.Flag("host-resolver-rules", "MAP "+host+" 127.0.0.1"))
	d := serve(t, "alpha", "", "--http-host", host)
	place := together(t, d)
	near, far := newTab(t, browser), newTab(t, browser)
	near.signIn(d)
	far.open(strings.Replace(d.URL, "127.0.0.1", host, 1) + "/#" + code(t, d))
	far.wait(`document.querySelector('.pulse.live')`)
	if eval[bool](far, `isSecureContext || 'subtle' in crypto`) || !eval[bool](near, `isSecureContext`) {
		t.Fatal("the context is secure from elsewhere, or is not here")
	}
	for _, some := range [][]file{proofs(t, d, place), bundles(t, d)} {
		near.choose(some)
		far.choose(some)
		if here, there := near.judged(some, byBrowser), far.judged(some, byPage); !slices.Equal(here, there) {
			t.Errorf("WebCrypto:\n%+v\n@noble:\n%+v", here, there)
		}
	}
	far.show("#/entries?knot=" + place)
	far.wait(`document.querySelector('.knot .verify button')`)
	far.do(`document.querySelector('.knot .verify button').click()`)
	far.wait(`document.querySelector('.knot .verdict.sound')`)
	if says := far.text(".knot .verify"); !strings.Contains(says, byPage) || !strings.Contains(says, "offline.html from a source that you trust") {
		t.Errorf("the page does not say what has checked the entry, but:\n%s", says)
	}
	far.keep("verify-elsewhere")
}
