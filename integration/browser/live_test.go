package browser

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/quipulog/quipu/integration/daemon"
)

// rows are the subjects that the table of entries shows, the newest first.
const rows = `[...document.querySelectorAll('table.entries tbody tr')].map(r => r.querySelector('.subject').innerText)`

// TestWhatIsAppendedOnOneNodeShowsOnTheOther: an entry comes to a page on its own, once, and only where the filters take it.
func TestWhatIsAppendedOnOneNodeShowsOnTheOther(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := serve(t, "beta", alpha.Log, "--join", alpha.Addr)
	all, some := newTab(t, browser), newTab(t, browser)
	for _, b := range []*tab{all, some} {
		b.signIn(beta)
	}
	all.show("#/entries")
	some.show("#/entries?kind=order.*")
	for _, b := range []*tab{all, some} {
		b.wait(`document.querySelector('.telling')`)
	}
	for i, kind := range []string{"note", "order.paid", "note", "order.lost"} {
		alpha.Quipu(t, "append", "--kind", kind, "--subject", fmt.Sprint("s", i))
	}
	all.wait(rows + `.join() === 's3,s2,s1,s0'`)
	some.wait(rows + `.join() === 's3,s1'`)
	if who := all.text("td.author"); strings.Count(who, "alpha") != 4 || strings.Contains(who, "this node") {
		t.Errorf("the entries are shown as those of %q", who)
	}
	if drawn := eval[int](all, `performance.getEntriesByType('resource').filter(r => r.name.includes('/v1/entries')).length`); drawn != 1 {
		t.Errorf("the entries were asked for %d times, want once: they come by the stream", drawn)
	}
}

// TestMembersLeadToTheirPages: each node tells where it is asked, and the page of one leads to that of the other. What a peer says of
// itself leads nowhere where it is no address of a page.
func TestMembersLeadToTheirPages(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := serve(t, "beta", alpha.Log, "--join", alpha.Addr)
	b := newTab(t, browser)
	b.signIn(alpha)
	b.wait(`window.quipu.counts && performance.getEntriesByType('resource').some(r => r.name.includes('/v1/members'))`)
	b.do(`const asked = window.fetch // what one view has shown of the members the next shows, however long they are asked for
	window.fetch = async (...call) => {
		if (String(call[0]).includes('/v1/members')) await new Promise(then => setTimeout(then, 500))
		return asked(...call)
	}
	new MutationObserver(() => {
		const n = document.querySelectorAll('.card').length
		window.fewer ||= n < (window.most ?? 0)
		window.most = n
	}).observe(document.body, {childList: true, subtree: true})`)
	b.show("#/members")
	b.wait(fmt.Sprintf(`document.querySelector('.card.alive a[rel=noreferrer]').href === %q`, beta.URL+"/"))
	if n := eval[int](b, `document.querySelectorAll('.card').length`); n != 2 {
		t.Errorf("%d members are shown, want both", n)
	}
	b.wait(`performance.getEntriesByType('resource').filter(r => r.name.includes('/v1/members')).length > 2`)
	if eval[bool](b, `window.fewer === true`) {
		t.Error("what was shown went away for a moment")
	}
	if own := eval[int](b, `document.querySelectorAll('.card.self a[rel=noreferrer]').length`); own != 0 {
		t.Error("the page leads to itself")
	}
	b.open(beta.URL + "/")
	b.wait(`document.querySelector('.door code')`) // a session is of one node
}

// TestAPageGoesOnOverKills kills the node under a page again and again while entries are appended: the page goes on each time
// and shows each entry once. A session would end with the node, so the tab has a token that outlives it.
func TestAPageGoesOnOverKills(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	token := strings.TrimSpace(d.Quipu(t, "token", "create", "--name", "page", "--scope", "read"))
	b := newTab(t, browser)
	b.open(d.URL + "/")
	b.do(fmt.Sprintf(`sessionStorage.setItem('quipu.session', JSON.stringify({token: %q, expires: '2999-01-01T00:00:00Z'}))`, token))
	b.open(d.URL + "/#/entries")
	b.wait(`document.querySelector('.pulse.live') && document.querySelector('.telling')`)
	var want []string
	appended := func() {
		subject := fmt.Sprint("s", len(want))
		d.Quipu(t, "append", "--kind", "note", "--subject", subject)
		want = append([]string{subject}, want...)
	}
	for range rounds {
		appended()
		b.wait(fmt.Sprintf(`%s[0] === %q`, rows, want[0]))
		d.Kill()
		b.wait(`document.querySelector('.pulse.lost')`)
		appended() // without a daemon
		d.Start(t)
		appended()
		b.wait(fmt.Sprintf(`%s[0] === %q`, rows, want[0]))
	}
	if got := eval[[]string](b, rows); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the page shows %q, want %q", got, want)
	}
}

// TestEveryStateHasALink: what is chosen is in the address, a new load of which shows the same, and the browser's button goes back.
func TestEveryStateHasALink(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	d.Quipu(t, "append", "--kind", "note", "--subject", "a b&c=d#e/f?")
	d.Quipu(t, "append", "--kind", "other", "--subject", "x")
	b := newTab(t, browser)
	b.signIn(d)
	b.show("#/entries")
	b.wait(rows + `.length === 2`)
	b.do(`document.querySelector('nav a[href*="subject"]').click()`)
	b.wait(`location.hash.startsWith('#/subject')`)
	b.do(`history.back()`)
	b.wait(rows + `.length === 2`)
	b.do(`[...document.querySelectorAll('td.kind a')].find(a => a.innerText === 'note').click()`)
	b.wait(rows + `.length === 1 && document.querySelectorAll('.chip').length === 1`)
	b.do(`document.querySelector('td.seq a').click()`)
	b.wait(`location.hash.includes('knot=')`)
	link := eval[string](b, `location.href`)
	b.open(link)
	b.wait(rows + `.length === 1 && document.querySelector('tr.chosen')`)
	if at := eval[string](b, `location.href`); at != link {
		t.Errorf("%s was opened, and the page is at %s", link, at)
	}
	b.do(`document.querySelector('td.subject a').click()`)
	b.wait(`document.querySelector('.crumb') && document.querySelector('.crumb').innerText.includes('a b&c=d#e/f?')`)
}

// machine takes a subject from draft to paid, and from anywhere to lost.
const machine = `
states: [draft, paid, lost]
initial: draft
terminal: lost
moves:
  - {from: draft, to: paid}
  - {from: "*", to: lost}
`

// TestAHistoryOnItsDiagram: moves of nodes that had not seen each other are marked concurrent, and one that a given machine does not allow
// as illegal; the drawing has each stage once, and the list each move.
func TestAHistoryOnItsDiagram(t *testing.T) {
	browser := newBrowser(t)
	alpha := serve(t, "alpha", "")
	beta := daemon.New(t, "beta", alpha.Log)
	alpha.Quipu(t, "transition", "--subject", "s", "--to", "draft")
	alpha.Quipu(t, "transition", "--subject", "s", "--to", "paid")
	beta.Quipu(t, "transition", "--subject", "s", "--to", "lost") // it has not seen those
	beta.Start(t, "--join", alpha.Addr)
	b := newTab(t, browser)
	b.signIn(alpha)
	b.show("#/subject?subject=s")
	b.wait(`document.querySelectorAll('.history li').length === 3`)
	counts := func(selector string) int {
		return eval[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
	}
	if n := counts(".diagram .stage"); n != 3 {
		t.Errorf("%d stages are drawn, want 3", n)
	}
	if n := counts(".history .mark-word.concurrent"); n != 2 {
		t.Errorf("%d moves are marked as concurrent, want the two first ones: %s", n, b.text(".history"))
	}
	quoted, err := json.Marshal(machine)
	if err != nil {
		t.Fatal(err)
	}
	b.do(fmt.Sprintf(`{
		const area = document.querySelector('textarea')
		area.closest('details').open = true
		area.value = %s
		area.form.requestSubmit()
	}`, quoted))
	b.wait(`document.querySelector('.history .mark-word.illegal')`)
	if n := counts(".diagram .unused"); n != 2 { // from draft and from paid to lost
		t.Errorf("%d moves are drawn that the machine allows and nobody made, want 2", n)
	}
	if n := counts(".history .mark-word.illegal"); n != 1 {
		t.Errorf("%d moves are illegal, want the one that begins elsewhere: %s", n, b.text(".history"))
	}
	if says := b.text(".telling .words"); !strings.Contains(says, "3 moves by 2 authors") || !strings.Contains(says, "illegal") {
		t.Errorf("in words: %s", says)
	}
}

// TestABurstIsAllShown: what comes faster than a page takes it is counted from where the page was told last, and the newest stands above.
func TestABurstIsAllShown(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	b := newTab(t, browser)
	b.signIn(d)
	b.show("#/entries")
	tie(t, d, 1)
	b.wait(`document.querySelector('tbody .seq').innerText.trim() === '0'`)
	tie(t, d, 40_000)
	b.wait(`document.querySelector('tbody .seq').innerText.trim() === '40,000'`)
	b.wait(`document.querySelector('.pulse.live')`)
	b.show("#/picture")
	b.wait(seen + `.startsWith('40,001 entries')`)
}
