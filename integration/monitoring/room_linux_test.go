package monitoring

import (
	"fmt"
	"strings"
	"testing"
)

// roomIsScarce has a follower keep bodies from being trimmed, brings a node that keeps more than the one that has trimmed, and one
// that has little room for the feeds of others.
func roomIsScarce(t *testing.T, watch watch) {
	forgets := []string{"--trim-age", "0", "--trim-count", "0", "--trim-every", "0"}
	a := newNode(t, "a", "", forgets...)
	a.post(t, "/v1/entries", `{"kind":"note","retention":"trimmable"}`)
	a.post(t, "/v1/entries", `{"kind":"note","retention":"trimmable"}`)
	batch := a.post(t, "/v1/followers/mailer/fetch", `{"wait":"1m"}`)
	a.Quipu(t, "trim")
	little := newNode(t, "little", a.Log, append(forgets, "--join", a.Addr, "--disk-quota", "64KiB", "--author-share", "100")...)
	keeps := newNode(t, "keeps", a.Log)
	p := watch(a, little, keeps)
	p.until(func() string { return missing(p, `quipu_author_head_seq{instance="little"} == 2`, 1) })
	p.fires("QuipuTrimHeldBack", "a", true)
	a.post(t, "/v1/followers/mailer/ack", fmt.Sprintf(`{"lease":%q}`, batch["lease"]))
	a.Quipu(t, "trim")
	p.fires("QuipuTrimHeldBack", "a", false)
	little.Quipu(t, "trim")

	keeps.Kill()
	keeps.Start(t, "--join", a.Addr)
	p.fires("QuipuStarved", "keeps", true)
	keeps.Kill()
	keeps.Start(t, forgets...)
	p.fires("QuipuStarved", "keeps", false)

	p.fires("QuipuQuotaNear", "little", false)
	for range 40 {
		a.post(t, "/v1/entries", fmt.Sprintf(`{"kind":"note","payload":%q}`, strings.Repeat("x", 2000)))
	}
	p.fires("QuipuQuotaNear", "little", true)
	p.fires("QuipuShutAuthor", "little", true)
	little.Kill()
	little.Start(t, append(forgets, "--disk-quota", "1MiB", "--author-share", "100")...)
	p.fires("QuipuQuotaNear", "little", false)
	p.fires("QuipuShutAuthor", "little", false)
}
