package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
)

// heavy is a bundle of sixty thousand entries, whose runs have as many as a frame has room for.
func heavy(t *testing.T, d *daemon.Daemon) file {
	t.Helper()
	const entries = 60_000
	var lines strings.Builder
	begin := time.Now().Add(-entries * time.Second).UTC()
	for i := range entries {
		fmt.Fprintf(&lines, `{"kind":"k","time":"%s"}`+"\n", begin.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
	}
	folder := t.TempDir()
	from, name := filepath.Join(folder, "lines"), filepath.Join(folder, "heavy.bundle")
	if err := os.WriteFile(from, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Quipu(t, "append", "--ndjson", from)
	d.Quipu(t, "bundle", "create", name)
	bundle, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return file{"heavy.bundle", bundle, "This bundle is whole, and everything in it holds. What holds in it: 60,000 entries in "}
}

// looking has the page count, while a file is checked, how often it drew and how often the check handed it back to the browser. Where it shall
// stop, it presses the button as soon as the check says how far it is.
const looking = `{
	window.seen = {frames: 0, turns: 0, stopped: false}
	const Channel = window.MessageChannel
	window.MessageChannel = function () { seen.turns++; return new Channel() }
	const look = () => {
		const busy = document.querySelector('.checked article[aria-busy=true]')
		if (busy) seen.frames++
		if (%t && busy?.querySelector('progress') && !seen.stopped) {
			seen.stopped = true
			busy.querySelector('button').click()
			seen.frames = seen.turns = 0
		}
		requestAnimationFrame(look)
	}
	requestAnimationFrame(look)
}`

// TestThePageBreathesWhileItChecks: while a bundle of long runs is checked the page goes on drawing, hands itself back between the ops of a
// run, and stops when it is told to; what was dropped behind it is checked then.
func TestThePageBreathesWhileItChecks(t *testing.T) {
	browser := newBrowser(t)
	d := serve(t, "alpha", "")
	bundle := heavy(t, d)
	small := file{"none.bundle", []byte("neither"), "This is neither a bundle nor a proof."}

	b := newTab(t, browser)
	b.signIn(d)
	b.do(fmt.Sprintf(looking, false))
	b.drop([]file{bundle})
	b.judged([]file{bundle}, byBrowser)
	frames, turns := eval[int](b, `seen.frames`), eval[int](b, `seen.turns`)
	t.Logf("while %d bytes were checked the page drew %d frames, and was handed back %d times", len(bundle.bytes), frames, turns)
	// The bundle has six frames: between these alone there are as many turns.
	if frames < 5 || turns < 10 {
		t.Errorf("while a bundle was checked the page drew %d frames and was handed back %d times, want 5 and 10 at least", frames, turns)
	}

	b = newTab(t, browser)
	b.signIn(d)
	b.do(fmt.Sprintf(looking, true))
	b.drop([]file{bundle})
	b.wait(`seen.stopped && !document.querySelector('.checked article')`)
	b.drop([]file{small})
	b.wait(`document.querySelector('.checked article[aria-busy=false] .verdict')`)
	if says := b.text(".checked"); !strings.Contains(says, small.says) {
		t.Errorf("behind a file that was stopped the page says %q", says)
	}
	if turns := eval[int](b, `seen.turns`); turns > 1 {
		t.Errorf("after it was stopped the check went on for %d turns", turns)
	}
}
