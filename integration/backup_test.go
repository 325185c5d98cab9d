package integration

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quipulog/quipu/node/folder"
)

// restoredOf makes a member of backups, whose folder is new, beside the one that it was made of.
func restoredOf(m *member, flags []string, backups ...string) *member {
	m.t.Helper()
	r := &member{t: m.t, dir: filepath.Join(m.t.TempDir(), "restored"), listen: "127.0.0.1:0", stderr: new(daemonLog)}
	out := m.quipu(append(append([]string{"restore", "--dir", r.dir}, flags...), backups...)...)
	r.author, r.log = afterWord(m.t, out, "author "), afterWord(m.t, out, "log ")
	if err := folder.Folder(r.dir).WriteSecret(make([]byte, 32)); err != nil {
		m.t.Fatal(err)
	}
	return r
}

// TestBackupUnderLoad: a node is backed up while all write, goes on, dies, and is restored elsewhere, of a chain. It takes
// from the others what it wrote since, and gives no seq twice. Beside it another one is made of the same backup.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 3)
	startAll(members)
	m := members[2]
	allSee(t, members, 2)
	ctx, stopWriting := context.WithCancel(t.Context())
	defer stopWriting()
	var writers []*writer
	var wg sync.WaitGroup
	for _, m := range members {
		w := newWriter(m)
		writers = append(writers, w)
		w.begin(ctx, &wg)
	}
	written := func(n int) {
		t.Helper()
		before := writers[2].count()
		eventually(t, "acks", func() bool { return writers[2].count() > before+n }, m.stderr.String)
	}
	var chain []string
	for i := range 3 {
		written(300)
		file := filepath.Join(t.TempDir(), "backup")
		args := []string{file}
		if i > 0 {
			args = append(args, "--since", chain[i-1])
		}
		m.on("backup", args...)
		chain = append(chain, file)
	}
	written(300)
	stopWriting()
	wg.Wait()
	m.quipu(append([]string{"backup", "--check"}, chain...)...)
	acked := make(acks)
	acked.append(m, "last", 1, "--wait", "all")
	converged(t, members)
	m.kill()

	m = restoredOf(m, []string{"--key", filepath.Join(m.dir, "quipu.key")}, chain...)
	twin := restoredOf(members[2], []string{"--new-key"}, chain...)
	if m.author != members[2].author || twin.author == m.author {
		t.Errorf("the authors are %s and %s, that of the backup %s", m.author, twin.author, members[2].author)
	}
	for _, r := range []*member{m, twin} {
		r.join = []string{members[0].listen}
		r.start()
	}
	m.wantReady("backup")
	twin.wantReady("")
	members = append(members[:2], m, twin)
	acked.append(m, "goes on", 2, "--wait-recovered")
	acked.append(twin, "beside it", 2)
	converged(t, members)
	acked.kept(t, members)
	if all := m.recoveries(); len(all) != 1 || all[0].Why != "backup" || len(all[0].Asked) < 2 || len(all[0].Missing) > 0 || all[0].Alone {
		t.Errorf("the feed was taken up as %+v", all)
	}
	for _, e := range sameLogsThatVerify(t, members) {
		for _, w := range writers {
			if subject, ok := w.acked[e.place()]; ok {
				delete(w.acked, e.place())
				if e.Subject != subject {
					t.Errorf("%s is %s, acked was %s", e.place(), e.Subject, subject)
				}
			}
		}
	}
	for _, w := range writers {
		if len(w.acked) > 0 {
			t.Errorf("%d acked entries of %s are lost", len(w.acked), w.m.author[:8])
		}
	}
}

// TestNobodyWaitsForAPipe: while nobody reads what a backup writes, the daemon appends, trims and compacts; what was there
// when it began is kept from trims, and once its hold has passed it is not, and the backup is one in either case.
func TestNobodyWaitsForAPipe(t *testing.T) {
	for hold, held := range map[string]bool{"1h": true, "1ns": false} {
		t.Run(hold, func(t *testing.T) {
			t.Parallel()
			m := newCluster(t, 1)[0]
			m.start()
			line := `{"kind":"fill","retention":"trimmable","contentType":"text/plain","payload":"` + strings.Repeat("x", 60_000) + `"}` + "\n"
			if _, stderr, code := m.try(strings.Repeat(line, 200), "append", "--dir", m.dir, "--ndjson", "-"); code != 0 {
				t.Fatal(stderr)
			}
			name, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), name, "backup", "--dir", m.dir, "--hold", hold, "-")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, 1)
			if _, err := io.ReadFull(out, first); err != nil {
				t.Fatal(err, errs.String())
			}
			m.on("append", "--kind", "meanwhile")
			trimmed := m.on("trim", "--force", "--min-age", "0s", "--min-count", "1")
			left := strings.Count(m.on("log", "--kind", "fill", "--format", "ndjson"), `"payload"`)
			if keeps := left > 100; keeps != held {
				t.Errorf("of 200 bodies %d are left; the trim said:\n%s", left, trimmed)
			}
			m.on("compact")
			rest, err := io.ReadAll(out)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("the backup: %v: %s", err, &errs)
			}
			file := filepath.Join(t.TempDir(), "backup")
			if err := os.WriteFile(file, append(first, rest...), 0o600); err != nil {
				t.Fatal(err)
			}
			r := restoredOf(m, []string{"--key", filepath.Join(m.dir, "quipu.key")}, file)
			r.on("verify")
			if all := r.entries("--gone", "show"); len(all) < 200 {
				t.Errorf("%d entries were restored", len(all))
			}
		})
	}
}
