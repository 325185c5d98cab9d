package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// events returns the input of n appends, and their subjects.
func (s *story) events(n int) (input string, subjects []string) {
	for range n {
		s.said++
		subjects = append(subjects, fmt.Sprintf("s%d", s.said))
		input += fmt.Sprintf(`{"kind":"k","subject":"s%d"}`+"\n", s.said)
	}
	return input, subjects
}

// ack notes what a command printed of its appends.
func (s *story) ack(a *actor, out string, subjects []string) {
	places := strings.Fields(out)
	if len(places) > len(subjects) {
		s.t.Fatalf("%s acked %d places for %d entries", a.name, len(places), len(subjects))
	}
	for i, place := range places {
		s.acked[subjects[i]] = place
	}
	shown := places
	if n := len(places); n > 2 {
		shown = []string{places[0], places[n-1]}
	}
	for _, other := range s.nodes {
		if other.frozen {
			other.unread[a.author] = true
		}
	}
	s.tell("%s acks %d of %d, as %s", a.name, len(places), len(subjects), strings.Join(shown, " … "))
}

// append appends to a node that is not frozen, with a daemon or without. What is refused has to be so for a reason that
// is told.
func (s *story) append(a *actor, n int) {
	if a.frozen {
		return
	}
	input, subjects := s.events(n)
	out, stderr, code := a.try(input, "append", "--dir", a.dir, "--ndjson", "-")
	s.ack(a, out, subjects)
	switch {
	case code == 0:
		s.see(a, a.entries())
	case !strings.Contains(stderr, "quipu recover") && !strings.Contains(stderr, "quipu start"):
		s.t.Errorf("%s refuses to append with %d: %s", a.name, code, stderr)
	}
}

// see notes the op of each place that a node holds, and wants that to be the one that was seen before.
func (s *story) see(a *actor, all []entry) {
	for _, e := range all {
		switch was := s.ops[e.place()]; {
		case was == "":
			s.ops[e.place()] = e.Op
		case was != e.Op && s.excused[e.Author] == "":
			s.t.Errorf("%s has op %s at %s, where %s was", e.place(), e.Op, a.name, was)
		}
	}
}

// killWhileWriting kills a daemon that is written to.
func (s *story) killWhileWriting(a *actor) {
	name, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	input, subjects := s.events(2000)
	cmd := exec.Command(name, "append", "--dir", a.dir, "--ndjson", "-")
	var out daemonLog
	cmd.Stdin, cmd.Stdout = strings.NewReader(input), &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	some := 1 + s.rand.IntN(300)
	ended := false
	eventually(s.t, "acks, or a refusal", func() bool {
		select {
		case <-done:
			ended = true
		default:
		}
		return ended || strings.Count(out.String(), "\n") >= some
	}, out.String)
	a.kill()
	s.tell("%s is killed", a.name)
	if !ended {
		<-done
	}
	s.ack(a, out.String(), subjects)
}

func (s *story) freeze(a *actor) {
	a.signal(syscall.SIGSTOP)
	a.frozen, a.unread = true, make(map[string]bool)
	s.tell("%s freezes", a.name)
}

func (s *story) thaw(a *actor) {
	a.signal(syscall.SIGCONT)
	a.frozen = false
	s.tell("%s thaws", a.name)
}

// copyOf copies the folder of a node as it is at one instant.
func (s *story) copyOf(a *actor) string {
	if a.daemon != nil && !a.frozen {
		a.signal(syscall.SIGSTOP)
		defer a.signal(syscall.SIGCONT)
	}
	to := filepath.Join(s.t.TempDir(), "copy")
	run(s.t, "cp", "-a", a.dir, to)
	return to
}

func (s *story) backup(a *actor) {
	a.backups = append(a.backups, s.copyOf(a))
	s.tell("%s has backup %d made", a.name, len(a.backups)-1)
}

// forfeit takes what is on the disk of a node, which is down, and on no other that can be read, from what has to be there
// in the end.
func (s *story) forfeit(a *actor) {
	elsewhere := make(map[string]bool)
	for _, other := range s.nodes {
		if other == a {
			continue
		}
		if other.frozen {
			if other.unread[a.author] {
				s.excused[a.author] = "what it sent stands unread at " + other.name
			}
			continue
		}
		for _, e := range other.entries() {
			elsewhere[e.Subject+e.Op] = true
		}
	}
	n := 0
	for _, e := range a.entries() {
		if elsewhere[e.Subject+e.Op] {
			continue
		}
		if delete(s.ops, e.place()); e.Subject != "" {
			delete(s.acked, e.Subject)
			n++
		}
	}
	if n > 0 {
		s.tell("%d entries are on no other disk that can be read now", n)
	}
}

// restore puts a folder back to an older state.
func (s *story) restore(a *actor) {
	if len(a.backups) == 0 {
		s.backup(a)
		return
	}
	at := s.rand.IntN(len(a.backups))
	backup := a.backups[at]
	a.backups = a.backups[:at+1]
	name := storyLosses[s.rand.IntN(len(storyLosses))]
	how := losses[slices.IndexFunc(losses, func(l loss) bool { return l.name == name })]
	if a.daemon != nil {
		if how.why == "rolled back" {
			a.stop()
		} else {
			a.kill()
		}
	}
	s.forfeit(a)
	how.lose(s.t, a.member, backup)
	s.tell("%s is put back to backup %d: %s", a.name, at, how.name)
	if how.why == "older" {
		s.excused[a.author] = "rolled back from below"
	}
	if s.rand.IntN(3) > 0 {
		s.start(a)
	}
}

// storyLosses are those of losses that happen in stories.
var storyLosses = []string{"cp -a", "cp -a", "tar", "cp into the log", "cp into all files", "rolled back from below"}

// loseDisk has a node's disk replaced, and its key put back.
func (s *story) loseDisk(a *actor) {
	a.kill()
	s.forfeit(a)
	backup := filepath.Join(s.t.TempDir(), "kept")
	run(s.t, "cp", "-a", a.dir, backup)
	for _, l := range losses {
		if l.why == "key" {
			l.lose(s.t, a.member, backup)
		}
	}
	a.backups = nil
	s.tell("%s has lost its disk, and not its key", a.name)
	s.start(a)
}

// forked reports whether a node appends nothing since another has written with its key.
func (s status) forked() bool {
	return strings.Contains(s.Reason, "another node writes with our key")
}

// operate has an operator say the word that a node waits for, if there is one.
func (s *story) operate(a *actor) {
	if a.frozen {
		return
	}
	status := a.status()
	switch r := status.Recovering; {
	case status.forked():
		s.newKey(a)
	case r == nil || r.Copy != "" || a.daemon == nil:
	case len(r.Missing) > 0 && s.rand.IntN(2) == 0:
		var words []string
		for _, m := range r.Missing {
			if m.Addr == "" || m.Author != "" {
				words = append(words, "--without", m.Author)
			} else {
				words = append(words, "--without", m.Addr)
			}
		}
		s.word(a, words...)
	default:
		s.word(a, "--alone")
	}
}

// word has an operator say a word. Who is missing may have come meanwhile.
func (s *story) word(a *actor, words ...string) {
	s.excused[a.author] = "an operator's word"
	_, stderr, code := a.try("", append([]string{"recover", "--dir", a.dir, "--yes"}, words...)...)
	s.tell("%s is told %v: %d %s", a.name, words, code, lastLine(stderr))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// newKey gives a node a key of its own.
func (s *story) newKey(a *actor) {
	if a.daemon != nil {
		a.stop()
	}
	out := a.on("recover", "--new-key", "--yes")
	a.author, a.backups = afterWord(s.t, out, "author "), nil
	s.tell("%s is another author's now: %s", a.name, a.author)
	s.start(a)
}

// copyBeside starts a copy of a node beside it. The copy stays stopped, and says what it can be given; then it is that, or
// is thrown away.
func (s *story) copyBeside(a *actor) {
	if a.daemon == nil || a.frozen {
		return
	}
	twin := a.twinIn(s.copyOf(a))
	s.copies++
	twin.listen = s.addr(100 + s.copies)
	b := &actor{member: twin, name: fmt.Sprintf("%s-copy%d", a.name, s.copies)}
	s.start(b)
	eventually(s.t, "word of the original", func() bool {
		st := b.status()
		return st.forked() || st.Recovering != nil && strings.Contains(st.Reason, "--new-key")
	}, func() string { return b.on("status") + b.stderr.String() })
	input, subjects := s.events(1)
	if out, _, code := b.try(input, "append", "--dir", b.dir, "--ndjson", "-"); code != 1 {
		s.t.Errorf("%s appends %s beside its original: %d %s", b.name, subjects, code, out)
	}
	if s.rand.IntN(2) == 0 {
		b.kill()
		s.tell("%s is thrown away", b.name)
		return
	}
	s.nodes = append(s.nodes, b)
	s.newKey(b)
}
