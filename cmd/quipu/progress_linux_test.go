package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

// TestMeterShowsOnARealTerminal: what it draws comes through, though no other text may return to a line's beginning,
// and a terminal that is read by nobody keeps nobody.
func TestMeterShowsOnARealTerminal(t *testing.T) {
	for _, read := range []bool{true, false} {
		person, terminal := openPair(t)
		t.Setenv("COLUMNS", "100")
		cmd := &cobra.Command{}
		cmd.SetContext(t.Context())
		errs := newOutlet(onScreen(terminal))
		cmd.SetErr(errs)
		seen := make(chan string, 1)
		if read {
			go func() {
				b, _ := io.ReadAll(person) // ends with an error once nobody has the terminal open
				seen <- string(b)
			}()
		}
		steps := uint64(10)
		if !read {
			steps = 10_000 // more than a terminal and an outlet hold
		}
		m := newMeter(cmd, "verify\r\x1b[2J")
		now := time.Now()
		m.now = func() time.Time { return now }
		for i := range steps {
			now = now.Add(time.Second)
			m.show(api.Progress{Done: i + 1, Total: steps, Unit: "entries"})
		}
		m.end()
		errs.close(t.Context(), false)
		if err := terminal.Close(); err != nil {
			t.Fatal(err)
		}
		if read {
			got := <-seen
			if !strings.HasPrefix(got, "\r"+`verify\x0d\x1b[2J  [#...............]  1 of 10 entries (10%)`) || !strings.HasSuffix(got, " \r") {
				t.Errorf("shown: %q", got)
			}
		}
		_ = person.Close()
	}
}
