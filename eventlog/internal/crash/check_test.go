package crash

import (
	"os"
	"regexp"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// goesOn holds a log that is open, in the process that something has gone wrong in or in the next one, against what is
// promised: it appends, it is equal with its peer after an exchange, what was acked is there, and effects are there once.
func (s *subject) goesOn() {
	s.Helper()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"recover", func() error {
			if s.op.resume == nil {
				return nil
			}
			return s.op.resume(s)
		}},
		{"append", func() error { return s.append(s.numbers(1)...) }},
		{"take what the peer has", func() error { return exchange(s.peer, s.log) }},
		{"follow", func() error { return s.follow(s.log) }},
		{"give the peer what it lacks", func() error { return exchange(s.log, s.peer) }},
	} {
		if err := step.do(); err != nil {
			s.Errorf("%s: %v", step.name, err)
			return
		}
	}
	if s.log.Root() != s.peer.Root() {
		s.Errorf("it holds %v, its peer %v", s.log.Frontier(), s.peer.Frontier())
	}
	if forked := slices.Concat(s.log.Forked(), s.peer.Forked()); len(forked) > 0 {
		s.Errorf("a seq was given twice: %v", forked)
	}
	s.checkAcked()
	s.checkEffects(s.log)
	if s.op.after != nil {
		s.op.after(s)
	}
	s.sendAgain()
}

// sendAgain appends once more what was written here with an id: it is known, at the place that it has.
func (s *subject) sendAgain() {
	s.Helper()
	var events []crdt.Event
	var places []crdt.Place
	for e, err := range s.log.Entries(s.ctx, eventlog.Query{Kinds: []string{numberKind}, Authors: s.log.Authors()}) {
		must(s, err)
		if e.Header(eventlog.HeaderID) != "" {
			events, places = append(events, e.Clone().Event), append(places, e.Place())
		}
	}
	told, err := s.log.AppendOnce(s.ctx, events)
	must(s, err)
	for i, a := range told {
		if !a.Known || a.Place != places[i] {
			s.Errorf("what is at %s was sent again, and is told to be at %s, known: %v", places[i], a.Place, a.Known)
		}
	}
}

// verify verifies the log.
func (s *subject) verify() {
	s.Helper()
	report, err := s.log.Verify(s.ctx)
	must(s, err)
	for _, p := range report.Problems {
		s.Errorf("verify: %s", p)
	}
}

// held returns the numbers that a log holds, and where.
func (s *subject) held(l *eventlog.Log) map[int]crdt.Place {
	s.Helper()
	held := make(map[int]crdt.Place)
	for e, err := range l.Entries(s.ctx, eventlog.Query{Kinds: []string{numberKind}}) {
		must(s, err)
		n := s.number(e.Payload)
		if p, twice := held[n]; twice {
			s.Errorf("number %d is at %s and at %s", n, p, e.Place())
		}
		held[n] = e.Place()
	}
	return held
}

// checkAcked looks for what was acked, at its place. What was to be forgotten may be.
func (s *subject) checkAcked() {
	s.Helper()
	held := s.held(s.log)
	for n, p := range s.acked {
		at, there := held[n]
		forgotten := s.op.forgets && p.Seq+kept < s.log.Feed(p.Author).Next()
		if there && at != p || !there && !forgotten {
			s.Errorf("number %d was acked as %s, and is at %s", n, p, at)
		}
	}
}

// leftover is the name of what is of use only to the process that makes it.
var leftover = regexp.MustCompile(`\.(new|compact)-[0-9]+$|\.(salvaged|room|aside)$|^quipu\.restoring$`)

// nothingLeft looks for what a process that was killed has left in the folder: the next one that has it to itself removes that,
// and the next one that writes the same backup.
func (s *subject) nothingLeft() {
	s.Helper()
	if s.op.name == "backup" {
		must(s, s.backUp())
	}
	files, err := os.ReadDir(s.dir())
	must(s, err)
	for _, f := range files {
		if leftover.MatchString(f.Name()) {
			s.Errorf("%s is left", f.Name())
		}
	}
}
