package crash

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// subject is a log that goes through a cell of the table: its folder and that of a peer, what was acked, and the disk
// under them. Each entry that a program appends holds a number of its own.
type subject struct {
	testing.TB
	op     *operation
	folder string // of the log and of its peer
	disk   *disk
	ctx    context.Context
	cancel func()        // ends it, when nothing can be written any more
	log    *eventlog.Log // nil while it is not open
	peer   *eventlog.Log

	next  int                // number of the entry that is appended next
	acked map[int]crdt.Place // numbers that a caller was told to be there
	end   func()             // removes it
	key   ed25519.PrivateKey // of the log

	says     func()        // is called once something was acked; nil for nothing
	note     string        // of what the test is at
	peerName string        // whose key the peer has
	flight   []crdt.Event  // with the numbers that the operation is about
	made     bool          // the operation was done again, since there was nothing of it
	upTo     crdt.Frontier // up to where is rebuilt,
	sum      int           // of the numbers there
	file     os.FileInfo   // that the log had
}

// memory is a file system in memory, if there is one: nothing of the tests depends on the disk, and it is faster.
const memory = "/dev/shm"

// newSubject returns a subject in an empty folder.
func newSubject(tb testing.TB, op *operation) *subject {
	folder, err := os.MkdirTemp(memory, "quipu-crash-")
	if err != nil {
		folder, err = os.MkdirTemp(tb.TempDir(), "subject-")
	}
	must(tb, err)
	must(tb, os.Mkdir(filepath.Join(folder, "log"), 0o700))
	return subjectIn(tb, op, folder)
}

// subjectIn returns a subject in a folder.
func subjectIn(tb testing.TB, op *operation, folder string) *subject {
	s := &subject{TB: tb, op: op, folder: folder, acked: make(map[int]crdt.Place), key: eventlogtest.Key("subject"), peerName: "peer"}
	s.watched()
	return s
}

// renew gives the subject's calls a context that has not ended.
func (s *subject) renew() { s.ctx, s.cancel = context.WithCancel(context.Background()) }

// watched puts a disk under the subject.
func (s *subject) watched() {
	s.renew()
	s.disk = &disk{folder: s.dir(), fired: s.cancel, noLinks: s.op != nil && s.op.noLinks}
	stop := sys.Watch(s.folder, s.disk.watch)
	s.end = func() {
		s.close()
		stop()
		must(s, os.RemoveAll(s.folder))
	}
}

// Errorf, Fatalf and Fatal say in which cell the test has failed.
func (s *subject) Errorf(format string, args ...any) {
	s.Helper()
	s.TB.Errorf("%s: %s", s.cell(), fmt.Sprintf(format, args...))
}

func (s *subject) Fatalf(format string, args ...any) {
	s.Helper()
	s.TB.Fatalf("%s: %s", s.cell(), fmt.Sprintf(format, args...))
}

func (s *subject) Fatal(args ...any) {
	s.Helper()
	s.TB.Fatalf("%s: %s", s.cell(), fmt.Sprint(args...))
}

func (s *subject) cell() string { return s.op.name + s.disk.String() + s.note }

func (s *subject) dir() string { return filepath.Join(s.folder, "log") }

// genesis is that of all logs.
var genesis = crdt.Genesis{Random: [32]byte{1}}

func (s *subject) config() eventlog.Config {
	return eventlog.Config{
		Key:  s.key,
		Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: kept},
	}
}

func (s *subject) peerDir() string { return filepath.Join(s.folder, "peer") }

func (s *subject) peerConfig() eventlog.Config {
	return eventlog.Config{Key: eventlogtest.Key(s.peerName), Trim: s.config().Trim}
}

// kept is how many entries at the end of each feed are not trimmed.
const kept = 4

// open opens the log and its peer.
func (s *subject) open() {
	s.Helper()
	var err error
	if s.log, err = eventlog.Open(s.dir(), s.config()); err != nil {
		s.Fatalf("open: %v", err)
	}
	s.openPeer()
}

// openPeer opens the peer, which there may not be yet.
func (s *subject) openPeer() {
	s.Helper()
	var err error
	dir := s.peerDir()
	s.peer, err = eventlog.Open(dir, s.peerConfig())
	if errors.Is(err, eventlog.ErrNotExist) {
		s.peer, err = eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, s.peerConfig())
	}
	must(s, err)
}

// close closes the log and its peer. After a fault it does not matter what that says.
func (s *subject) close() {
	for _, l := range []*eventlog.Log{s.log, s.peer} {
		if l != nil {
			_ = l.Close()
		}
	}
	s.log, s.peer = nil, nil
}

// numberKind is the kind of an entry that holds a number.
const numberKind = "crash.number"

// numbers returns events with the next n numbers.
func (s *subject) numbers(n int) []crdt.Event {
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = crdt.Event{Kind: numberKind, Subject: fmt.Sprint(s.next % 3), Payload: fmt.Append(nil, s.next), Retention: crdt.Trimmable,
			Headers: []crdt.EventHeader{{Name: eventlog.HeaderID, Value: fmt.Sprint(s.next)}}}
		s.next++
	}
	return events
}

// append appends entries to the log, in one commit. What is acked is at the peer before append returns.
func (s *subject) append(events ...crdt.Event) error {
	places, err := s.log.AppendBatch(s.ctx, events)
	if err != nil {
		return err
	}
	s.ack(events, places)
	return exchange(s.log, s.peer)
}

// ack takes note of what was acked.
func (s *subject) ack(events []crdt.Event, places []crdt.Place) {
	s.Helper()
	for i, e := range events {
		s.acked[s.number(e.Payload)] = places[i]
	}
	if s.says != nil {
		s.says()
	}
}

// number returns the number that an entry holds.
func (s *subject) number(payload []byte) (n int) {
	s.Helper()
	must(s, json.Unmarshal(payload, &n))
	return n
}

// exchange brings to a log what another holds and it lacks.
func exchange(from, to *eventlog.Log) error { return exchangeBy(from, to, func(crdt.Run) {}) }

// exchangeBy is exchange, and calls sent with each run.
func exchangeBy(from, to *eventlog.Log, sent func(crdt.Run)) error {
	ctx := context.Background()
	wants, err := to.Wants(ctx, from.Frontier(), 0)
	if err != nil {
		return err
	}
	for _, want := range wants {
		segments, err := from.Plan(ctx, want)
		if err != nil {
			return err
		}
		for i := range segments {
			if err := send(ctx, from, to, &segments[i], sent); err != nil {
				return err
			}
		}
	}
	return nil
}

// send brings what is in a segment to a log.
func send(ctx context.Context, from, to *eventlog.Log, segment *crdt.Segment, sent func(crdt.Run)) error {
	for {
		run, err := from.Read(ctx, segment, 1<<20)
		if err != nil || len(run.Ops) == 0 {
			return err
		}
		sent(run)
		outcomes, err := to.Apply(ctx, []crdt.Run{run})
		if err == nil {
			err = outcomes[0].Err
		}
		if err != nil {
			return err
		}
	}
}

// copyOf returns a subject whose folder holds what that of s does, which is closed. It has the next fault's disk.
func (s *subject) copyOf(tb testing.TB) *subject {
	c := newSubject(tb, s.op)
	must(tb, os.CopyFS(c.folder+"-", os.DirFS(s.folder)))
	must(tb, os.RemoveAll(c.folder))
	must(tb, os.Rename(c.folder+"-", c.folder))
	c.next = s.next
	maps.Copy(c.acked, s.acked)
	return c
}

// must ends the test where something that is not under test fails.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
