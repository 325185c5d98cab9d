package integration

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// TestARebuildThatIsKilled kills a rebuild at random moments with SIGKILL, its daemon, its command, or both in one where no
// daemon runs. Each next one goes on, and whatever comes to the end comes to the bytes of a rebuild on another node that
// nobody has disturbed. With QUIPU_E2E=1 and without -short the log is longer, and the kills are more.
func TestARebuildThatIsKilled(t *testing.T) {
	t.Parallel()
	entries, kills := 20_000, 12
	if os.Getenv("QUIPU_E2E") != "" && !testing.Short() {
		entries, kills = 250_000, 100
	}
	m, want := killable(t, entries)
	began := time.Now()
	m.rebuilds("--to", m.frontierFile())
	most := time.Since(began) // one that nobody kills takes so long
	to := m.frontierFile()
	finished, resumed := 0, 0
	for range kills {
		done := m.underway()
		if rand.N(3) > 0 {
			m.start()
		}
		r := m.beginRebuild("--to", to)
		select {
		case <-time.After(rand.N(most)):
			if m.daemon != nil && rand.N(2) == 0 {
				m.kill()
			} else if err := r.Process.Kill(); err != nil {
				t.Log(err) // it has ended
			}
		case err := <-r.ended:
			r.ended <- err
		}
		if err := <-r.ended; err == nil {
			finished++
			got := rebuiltOf(t, r.out.String())
			if done.Finished.IsZero() && got.Resumed < done.Done || got.Resumed > got.Entries {
				t.Errorf("resumed at %d, after %+v", got.Resumed, done)
			}
			if got.Resumed > 0 {
				resumed++
			}
			if got.Resumed = 0; got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		m.kill()
		if now := m.underway(); done.Finished.IsZero() && now.Finished.IsZero() && now.Done < done.Done {
			t.Errorf("under way at %d, and before at %d", now.Done, done.Done)
		}
	}
	got := m.rebuilds("--to", to)
	if got.Resumed = 0; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	t.Logf("%d of %d came to the end before they were killed, %d of them had resumed", finished, kills, resumed)
	m.on("verify")
}

// killable makes a node with so many entries, and returns what another one that holds them all makes of them.
func killable(t *testing.T, entries int) (*member, rebuilt) {
	t.Helper()
	members := newCluster(t, 2)
	m, peer := members[0], members[1]
	m.moves(entries)
	file := t.TempDir() + "/all.bundle"
	m.on("bundle", "create", file)
	peer.on("bundle", "apply", file)
	want := peer.rebuilds()
	if want.Entries != uint64(entries) || want.Resumed != 0 {
		t.Fatalf("%+v", want)
	}
	return m, want
}

// TestAKillCostsTenSeconds: a daemon that gets a small part of its time works a minute on a rebuild, and is killed with SIGKILL
// again and again. What was done ten seconds before is done for good, and the next run says from where it goes on.
func TestAKillCostsTenSeconds(t *testing.T) {
	t.Parallel()
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		t.Skip("takes minutes: QUIPU_E2E is not set")
	}
	m, want := killable(t, 250_000)
	for runs := 1; ; runs++ {
		before := m.underway()
		m.start()
		told, err := slowly(m, 12*time.Second+rand.N(10*time.Second))
		m.kill()
		after := m.underway()
		for _, p := range told {
			if p.Resumed != before.Done {
				t.Fatalf("run %d: told %+v, where %d were done", runs, p, before.Done)
			}
			// Where the daemon stands still it looks at no clock.
			if p.before > 10*time.Second+2*pulse && after.Finished.IsZero() && p.Done > after.Done+5000 {
				t.Errorf("run %d: %s before it was killed %d were done, and %d are kept", runs, p.before, p.Done, after.Done)
			}
		}
		t.Logf("run %d: at %d before and %d after, told %d times: %v", runs, before.Done, after.Done, len(told), err)
		if !after.Finished.IsZero() {
			if runs == 1 {
				t.Error("it was never killed")
			}
			break
		}
	}
	if got := m.rebuilds(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// pulse is how often a slow daemon comes to work, and work for how long.
const (
	pulse = 600 * time.Millisecond
	work  = 25 * time.Millisecond
)

// heard is what was heard of a rebuild, and how long before its end.
type heard struct {
	api.Progress
	at     time.Time
	before time.Duration
}

// slowly rebuilds on a daemon that works little of the time, and kills it after a while. The error is nil where the
// rebuild was done before.
func slowly(m *member, after time.Duration) (told []heard, err error) {
	m.t.Helper()
	client, err := node.ConnectDaemon(m.t.Context(), m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	defer client.Close()
	frontier, err := client.Frontier(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	request := api.RebuildRequest{Name: api.RebuildTransitions, To: api.Moment{Frontier: &frontier}}
	done := make(chan error)
	go func() {
		_, err := client.Rebuild(m.t.Context(), request, func(p api.Progress) { told = append(told, heard{Progress: p, at: time.Now()}) })
		done <- err
	}()
	killed := time.After(after)
	for {
		m.signal(syscall.SIGSTOP)
		stopped := time.After(pulse - work)
		select {
		case <-stopped:
		case <-killed:
			m.kill()
			err = <-done
			for i := range told {
				told[i].before = time.Since(told[i].at)
			}
			return told, err
		}
		m.signal(syscall.SIGCONT)
		select {
		case <-time.After(work):
		case err := <-done:
			return told, err
		}
	}
}
