package crash

import (
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// TestCrashMatrix has each fault happen at each step of each operation, and prints what was found after each: see
// docs/DURABILITY.md. Without QUIPU_E2E=1 it is a sample that is another each time: each fault once an operation, at a
// step that it can hit; the rest of the table is left to the run with it.
func TestCrashMatrix(t *testing.T) {
	tables := make([]table, len(operations))
	t.Run("operations", func(t *testing.T) {
		for i := range operations {
			t.Run(operations[i].name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { tables[i].fill(t, &operations[i]) })
			})
		}
	})
	numbered, tried, ran := 0, 0, !t.Failed()
	for _, tab := range tables {
		numbered += tab.numbered
		tried += tab.tried
		ran = ran && tab.op != nil
	}
	if !ran {
		return // with -run only some have
	}
	t.Logf("%d steps, %d cells\n%s", numbered, tried, render(tables))
	compareWithPage(t, tables)
}

// table is what the cells of one operation have shown.
type table struct {
	op       *operation
	steps    []string                                  // their names, in the order in which they were met first
	cells    map[string]map[string]map[string]struct{} // by step and column: the outcomes
	numbered int                                       // steps of the operation
	tried    int                                       // cells, each of one fault at one numbered step
}

// fill runs all cells of an operation.
func (tab *table) fill(t *testing.T, op *operation) {
	tab.op, tab.cells = op, make(map[string]map[string]map[string]struct{})
	base := newSubject(t, op)
	base.prepare()
	steps := base.copyOf(t).plan()
	tab.numbered = len(steps)
	for _, step := range steps {
		for i := range faults {
			if step.hit[i] {
				tab.cell(step.name, faults[i].column)
			}
		}
	}
	for _, c := range chosen(steps) {
		s := base.copyOf(t)
		s.disk.fault, s.disk.at = &faults[c.fault], c.step.number
		outcome := s.through()
		if name := s.disk.struck(); name != "" {
			tab.cell(name, faults[c.fault].column)[outcome] = struct{}{}
			tab.tried++
		}
		s.end()
	}
	base.end()
}

// cell returns the outcomes of a fault at the steps of one name.
func (tab *table) cell(step, column string) map[string]struct{} {
	if tab.cells[step] == nil {
		tab.cells[step] = make(map[string]map[string]struct{})
		tab.steps = append(tab.steps, step)
	}
	if tab.cells[step][column] == nil {
		tab.cells[step][column] = make(map[string]struct{})
	}
	return tab.cells[step][column]
}

// prepare makes what each cell begins with, and has the log forget which file it is: it is copied.
func (s *subject) prepare() {
	if s.op.prepare == nil {
		usual(s)
	} else {
		s.op.prepare(s)
	}
	s.close()
	for _, dir := range []string{s.dir(), s.peerDir()} {
		if _, err := os.Lstat(filepath.Join(dir, "quipu.db")); err != nil {
			continue
		}
		eventlogtest.Disguise(s, dir)
		must(s, os.Remove(filepath.Join(dir, "quipu.db.seen")))
	}
}

// planned is a step of an operation in which nothing goes wrong.
type planned struct {
	number int
	name   string
	hit    []bool // by fault: whether it can go wrong like that
}

// cell is a fault at a numbered step.
type cell struct {
	step  planned
	fault int
}

// inFull reports whether all of the table is tried, or what it takes to be written.
func inFull() bool { return *update || os.Getenv("QUIPU_E2E") != "" && !testing.Short() }

// chosen returns all cells of an operation, or one of each fault that can be there.
func chosen(steps []planned) (cells []cell) {
	for i := range faults {
		var hit []planned
		for _, step := range steps {
			if step.hit[i] {
				hit = append(hit, step)
			}
		}
		if !inFull() && len(hit) > 0 {
			hit = []planned{draw(hit)}
		}
		for _, step := range hit {
			cells = append(cells, cell{step, i})
		}
	}
	return cells
}

// draw draws a name, and a step of that name, so that a call that is made often leaves room for the others.
func draw(steps []planned) planned {
	named := make(map[string][]planned)
	for _, step := range steps {
		named[step.name] = append(named[step.name], step)
	}
	names := slices.Sorted(maps.Keys(named))
	like := named[names[rand.IntN(len(names))]]
	return like[rand.IntN(len(like))]
}

// plan runs the operation without a fault, checks what it leaves, and returns its steps.
func (s *subject) plan() []planned {
	s.Helper()
	defer s.end()
	var steps []planned
	s.disk.told = func(number int, c *sys.Call) {
		hit := make([]bool, len(faults))
		for i, f := range faults {
			hit[i] = f.hits(c)
		}
		steps = append(steps, planned{number, s.disk.nameOf(c), hit})
	}
	if outcome := s.through(); outcome != "done" {
		s.Errorf("without a fault: %s", outcome)
	}
	return steps
}

// through takes the subject through a cell, and returns what it has shown: what the caller was told and what is there,
// of a process that was killed only the latter.
func (s *subject) through() string {
	s.Helper()
	fault := s.disk.fault
	s.before()
	s.disk.count(true)
	err := s.op.run(s)
	s.disk.count(false)
	lasts := fault != nil && fault.lasts && s.disk.struck() != ""
	told := s.tell(err)
	outcome := ""
	if !lasts && s.log != nil {
		outcome = s.outcome(told)
		s.goesOn()
	}
	s.close()
	s.disk.heal()
	s.renew()
	s.reopen()
	if lasts && fault.kills {
		told = ""
	}
	if outcome == "" {
		outcome = s.outcome(told)
	}
	s.afterwards()
	return outcome
}

// afterwards looks at what the next process finds.
func (s *subject) afterwards() {
	s.Helper()
	if s.op.resume == nil {
		s.verify()
	}
	s.goesOn()
	s.verify()
	s.nothingLeft()
}

// before does what precedes the operation.
func (s *subject) before() {
	s.Helper()
	if !s.op.opens {
		s.open()
		if s.op.resume == nil {
			must(s, s.append(s.numbers(1)...)) // from then on the file has an identity, and a mark beside it
		}
	}
	if s.op.ready != nil {
		s.op.ready(s)
	}
}

// reopen opens the log as the next process does.
func (s *subject) reopen() {
	s.Helper()
	if s.op.reopen == nil {
		s.open()
	} else {
		s.op.reopen(s)
	}
	if state := s.log.Recovering(); state != nil && s.op.resume == nil {
		s.Errorf("it is not known to be the log that it is: %v", state)
	}
}

// tell says what the caller of the operation was told.
func (s *subject) tell(err error) string {
	uncertain, ok := errors.AsType[*eventlog.UncertainError](err)
	switch {
	case err == nil:
		return "done"
	case ok && uncertain.NoRoom():
		return "no room"
	case ok:
		return "uncertain"
	case errors.Is(err, eventlog.ErrReadOnly):
		return "read-only"
	}
	return "error"
}

// outcome says what the caller was told, and how much of the operation is there once the log can be written to.
func (s *subject) outcome(told string) string {
	s.Helper()
	if s.peer == nil {
		s.openPeer()
	}
	if err := s.writable(); err != nil {
		s.Errorf("the log cannot be written to: %v", err)
	}
	found := ""
	if s.op.found != nil {
		found = s.op.found(s)
	}
	s.lawful(told, found)
	switch {
	case told == "":
		return cmp.Or(found, "opens")
	case told == "done" && found != none && found != part || found == "":
		return told
	}
	return told + ", " + found
}

// writable waits until the log can be written to. While it is opened anew and finds no room it says so, and tries again.
func (s *subject) writable() error {
	nothing := func(*eventlog.Tx) error { return nil }
	err := s.log.Update(s.ctx, nothing)
	if full, ok := errors.AsType[*eventlog.UncertainError](err); ok && full.NoRoom() {
		time.Sleep(time.Second)
		err = s.log.Update(s.ctx, nothing)
	}
	return err
}

// lawful holds what was told against what is there.
func (s *subject) lawful(told, found string) {
	s.Helper()
	switch {
	case told == "done" && (found == part || found == none):
		s.Errorf("it was done, and %s of it is there", found)
	case found == part && !s.op.steps:
		s.Errorf("a part of one commit is there")
	case found == all && (told == "no room" || told == "error") && !s.op.steps && !s.op.late:
		s.Errorf("%s was told, and all of it is there", told)
	}
}
