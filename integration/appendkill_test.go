package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// TestAStreamOfAppendsOverKills kills the daemon with SIGKILL while a client streams to it, so that of some events the answer
// is lost: the client goes on, and each is there once, in order, at the place that it was told.
func TestAStreamOfAppendsOverKills(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	m.start()
	c, err := client.Dial("unix:"+filepath.Join(m.dir, "quipu.sock"), client.Options{Retries: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const entries, kills = 2000, 4
	var lines strings.Builder
	for i := range entries {
		fmt.Fprintf(&lines, `{"kind":"k","subject":"%d","payload":"%s"}`+"\n", i, strings.Repeat("x", i%500))
	}
	var told []string
	for p, err := range c.Append(t.Context(), strings.NewReader(lines.String())) {
		if err != nil {
			t.Fatal(err)
		}
		if told = append(told, p.String()); len(told)%(entries/(kills+1)) == 0 && len(told) < entries {
			m.kill()
			m.start()
		}
	}
	if len(told) != entries {
		t.Errorf("%d places were told, want %d", len(told), entries)
	}
	n := 0
	for line, err := range c.Entries(t.Context(), api.Query{Kinds: []string{"k"}}) {
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := line.Entry()
		if err != nil {
			t.Fatal(err)
		}
		if e.Subject != fmt.Sprint(n) || told[n] != e.Place().String() {
			t.Fatalf("entry %d is that of line %s at %s, and was told to be at %s", n, e.Subject, e.Place(), told[n])
		}
		n++
	}
	if n != entries {
		t.Errorf("%d entries are there, want %d", n, entries)
	}
	m.on("verify")
}
