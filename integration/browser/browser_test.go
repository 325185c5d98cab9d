package browser

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/quipulog/quipu/integration/daemon"
)

func TestMain(m *testing.M) { daemon.Main(m) }

// patience bounds a test. It is no measure of speed: a machine under load may need most of it.
const patience = 3 * time.Minute

// newBrowser returns the context of a browser that ends with the test. It is started with further flags where a test needs them.
func newBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatal("no chromium here")
		}
		t.Skip("no chromium here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	// Root may have no sandbox. What is opened is of the tests alone.
	flags = append(flags, chromedp.ExecPath(chromium), chromedp.NoSandbox)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], flags...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// script has a page follow URLs. It tells, in order, whatever becomes of that.
const script = `<!doctype html><title>a page of some program</title><script>
const follow = url => {
  const source = new EventSource(url);
  const said = what => e => tell(JSON.stringify({what, id: e.lastEventId || "", data: e.data || "", over: source.readyState === EventSource.CLOSED}));
  source.onopen = said("open");
  source.onmessage = said("entry");
  source.addEventListener("gone", said("gone"));
  source.addEventListener("problem", said("problem"));
  source.onerror = said("error");
};
</script>`

// said is what a page tells of its EventSource.
type said struct {
	What string // open, error, or the name of an event
	ID   string // of the last event that had one
	Data string
	Over bool // the EventSource does not try again
}

// page is a page in a tab of its own, whose script listens.
type page struct {
	t   *testing.T
	ctx context.Context
	// next returns the next call by which the page tells something.
	next func() (runtime.EventBindingCalled, error, bool)
}

// newOrigin returns the origin of a server of pages, which no node has heard of.
func newOrigin(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(script)) // the browser is there, or the test is over
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// open opens the page of an origin.
func open(t *testing.T, browser context.Context, origin string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(chromedp.Events(ctx, runtime.BindingCalled))
	t.Cleanup(stop)
	if _, err := chromedp.Call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: "tell"}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(origin)); err != nil {
		t.Fatal(err)
	}
	return &page{t, ctx, next}
}

// follow has the page follow a URL.
func (p *page) follow(url string) {
	p.t.Helper()
	quoted, err := json.Marshal(url)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := chromedp.Do(p.ctx, chromedp.Evaluate[chromedp.Void]("follow("+string(quoted)+")")); err != nil {
		p.t.Fatal(err)
	}
}

// hear returns what the page tells next.
func (p *page) hear() (s said) {
	p.t.Helper()
	called, err, ok := p.next()
	if err != nil || !ok {
		p.t.Fatalf("the page tells no more: %v", err)
	}
	if err := json.Unmarshal([]byte(called.Payload), &s); err != nil {
		p.t.Fatalf("%s: %v", called.Payload, err)
	}
	return s
}
