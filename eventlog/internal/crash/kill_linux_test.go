package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// Names of the variables that make a test run as the child of another: in that folder, with that operation, until that
// step.
const (
	childFolder    = "QUIPU_TEST_CHILD_DIR"
	childOperation = "QUIPU_TEST_OPERATION"
	childStep      = "QUIPU_TEST_STEP"
	childWord      = "QUIPU_TEST_WORD"
)

// word is what a child is told, and tells while it is there: what was acked, and what its operation is about.
type word struct {
	Next  int
	Acked map[int]crdt.Place
	UpTo  crdt.Frontier
	Sum   int
}

// TestSIGKILL is the first column of the matrix once more, for a sample of its steps, with processes that really die by
// SIGKILL: one step of each operation, or with QUIPU_E2E=1 and without -short the first of each name.
func TestSIGKILL(t *testing.T) {
	if folder := os.Getenv(childFolder); folder != "" {
		i := slices.IndexFunc(operations, func(op operation) bool { return op.name == os.Getenv(childOperation) })
		s := subjectIn(t, &operations[i], folder)
		s.hear([]byte(os.Getenv(childWord)))
		s.runUntil(os.Getenv(childStep))
		return
	}
	for i := range operations {
		t.Run(operations[i].name, func(t *testing.T) {
			t.Parallel()
			base := newSubject(t, &operations[i])
			base.prepare()
			defer base.end()
			steps := sample(base.copyOf(t).plan())
			for _, step := range steps {
				s := base.copyOf(t)
				s.note = ", SIGKILL at step " + strconv.Itoa(step.number) + ", " + step.name
				s.killed(step.number)
				s.end()
			}
			t.Logf("killed at %d steps", len(steps))
		})
	}
}

// sample returns some of the steps.
func sample(steps []planned) (some []planned) {
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		return []planned{draw(steps)}
	}
	met := map[string]bool{}
	for _, s := range steps {
		if !met[s.name] {
			some = append(some, s)
		}
		met[s.name] = true
	}
	return some
}

// killed has a child run the operation until a step, and looks at what it has left.
func (s *subject) killed(step int) {
	s.Helper()
	child := exec.CommandContext(s.TB.Context(), os.Args[0], "-test.run=^TestSIGKILL$", "-test.count=1")
	child.Env = append(os.Environ(), childFolder+"="+s.folder, childOperation+"="+s.op.name, childStep+"="+strconv.Itoa(step), childWord+"="+s.word())
	out, err := child.Output()
	if err == nil || err.Error() != "signal: killed" {
		s.Fatalf("the child has ended with %v: %s", err, out)
	}
	lines := bytes.Split(out, []byte("\n"))
	s.hear(lines[len(lines)-2])
	s.reopen()
	s.afterwards()
}

// word returns what the subject knows.
func (s *subject) word() string {
	b, err := json.Marshal(word{s.next, s.acked, s.upTo, s.sum})
	must(s, err)
	return string(b)
}

// hear takes over what another process knows.
func (s *subject) hear(said []byte) {
	s.Helper()
	var w word
	must(s, json.Unmarshal(said, &w))
	s.next, s.acked, s.upTo, s.sum = w.Next, w.Acked, w.UpTo, w.Sum
}

// runUntil runs the operation until a step ends this process.
func (s *subject) runUntil(step string) {
	var err error
	s.disk.at, err = strconv.Atoi(step)
	must(s, err)
	s.disk.fault = &fault{column: "SIGKILL", hits: anyCall, strike: dies}
	s.says = func() { fmt.Println(s.word()) }
	s.before()
	s.says()
	s.disk.count(true)
	s.Fatalf("survived, and ended with %v", s.op.run(s))
}
