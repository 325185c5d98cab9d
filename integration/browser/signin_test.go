package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSigningInOnce: a link signs a tab in, leaves no code in its address or its history, and signs nobody in again. A tab that
// is not signed in shows nothing of the log, and says how to get in.
func TestSigningInOnce(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	d.Quipu(t, "append", "--kind", "secret.kind")
	link := d.URL + "/#" + code(t, d)

	b := newTab(t, browser)
	b.open(link)
	b.wait(`document.querySelector('.pulse.live')`)
	if at := eval[string](b, `location.href`); at != d.URL+"/" {
		t.Errorf("the page is at %s, want no fragment", at)
	}
	if kept := eval[int](b, `localStorage.length + document.cookie.length`); kept != 0 {
		t.Errorf("%d things are kept beyond the tab", kept)
	}
	if eval[bool](b, `history.length > 2`) { // about:blank and the page
		t.Error("the link is a step of the history")
	}
	if err := chromedp.Do(b.ctx, chromedp.Reload()); err != nil {
		t.Fatal(err)
	}
	b.wait(`document.querySelector('.pulse.live')`)

	for _, wrong := range []string{link, d.URL + "/#" + strings.Repeat("A", 43), d.URL + "/"} {
		other := newTab(t, browser)
		other.open(wrong)
		other.wait(`document.querySelector('.door code')`)
		says := other.text("body")
		if !strings.Contains(says, "quipu page --dir D") || strings.Contains(says, "alpha") || strings.Contains(says, "secret.kind") {
			t.Errorf("who is not signed in reads %q", says)
		}
		if found := other.violations(); len(found) > 0 {
			t.Errorf("axe-core finds %q", found)
		}
		if strings.Contains(eval[string](other, `location.href`), link[len(d.URL)+2:]) {
			t.Error("the code that did not sign in is still in the address")
		}
	}
}

// TestTheSessionEndsInWords: a node that was started again knows no session, and the page says so; where it shows was stays in the
// address, and a new link signs the tab in again.
func TestTheSessionEndsInWords(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	b := newTab(t, browser)
	b.signIn(d)
	b.show("#/members")
	b.wait(`document.querySelector('.card.self')`)
	d.Kill()
	b.wait(`document.querySelector('.pulse.lost')`)
	d.Start(t)
	b.wait(`document.querySelector('.door code')`)
	if says := b.text("[role=status]"); !strings.Contains(says, "The session is over") {
		t.Errorf("the page says %q", says)
	}
	if at := eval[string](b, `location.hash`); at != "#/members" {
		t.Errorf("the page is at %q", at)
	}
	if kept := eval[int](b, `sessionStorage.length`); kept != 0 {
		t.Errorf("%d things are kept of a session that is over", kept)
	}
	b.signIn(d)
}

// TestSigningOut: the button ends the session at the node and in the tab; where the node does not answer the page says that it does not
// know of it.
func TestSigningOut(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	b := newTab(t, browser)
	for reached, want := range map[bool]string{true: "Signed out. A link", false: "The node did not answer"} {
		b.signIn(d)
		token := eval[string](b, `JSON.parse(sessionStorage.getItem("quipu.session")).token`)
		if !reached {
			d.Kill()
		}
		b.do(`document.querySelector('header .out').click()`)
		b.wait(`document.querySelector('.door code')`)
		if says := b.text("[role=status]"); !strings.Contains(says, want) {
			t.Errorf("the page says %q", says)
		}
		if kept := eval[int](b, `sessionStorage.length`); kept != 0 {
			t.Errorf("%d things are kept of a session that is over", kept)
		}
		if reached {
			if got := eval[int](b, `fetch("v1/status", {headers: {Authorization: "Bearer `+token+`"}}).then(a => a.status)`); got != http.StatusUnauthorized {
				t.Errorf("the node answers the session that was signed out with %d", got)
			}
			continue
		}
		d.Start(t)
	}
	b.do(fmt.Sprintf(`location.hash = %q`, code(t, d))) // as a link is that is pasted into the address of this tab
	b.wait(`document.querySelector('.pulse.live')`)
}
