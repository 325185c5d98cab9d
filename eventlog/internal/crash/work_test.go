package crash

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// usual makes a log with entries of its own and of a peer's, all of which the peer holds and the follower has handled.
func usual(s *subject) {
	s.createBoth(false)
	for range 3 {
		must(s, s.append(s.numbers(1)...))
	}
	s.peerAppends(4)
	must(s, exchange(s.peer, s.log))
	must(s, s.follow(s.log))
	for range 5 {
		must(s, s.append(s.numbers(1)...))
	}
	must(s, s.follow(s.log))
	must(s, exchange(s.log, s.peer))
}

// usedKey makes a log that may not append: its key may have been used elsewhere.
func usedKey(s *subject) {
	s.createBoth(true)
	s.peerAppends(4)
	must(s, exchange(s.peer, s.log))
}

// createBoth creates the log and its peer.
func (s *subject) createBoth(usedKey bool) {
	s.Helper()
	var err error
	s.log, err = eventlog.Create(s.dir(), eventlog.Birth{Genesis: &genesis, UsedKey: usedKey}, s.config())
	must(s, err)
	must(s, err)
	s.openPeer()
}

// peerAppends appends n entries to the peer, each an op of its own.
func (s *subject) peerAppends(n int) {
	s.Helper()
	for range n {
		events := s.numbers(1)
		places, err := s.peer.AppendBatch(s.ctx, events)
		must(s, err)
		s.ack(events, places)
	}
}

// marked leaves a mark that a sync of the log has failed.
func marked(s *subject) {
	usual(s)
	must(s, os.WriteFile(s.log.Path()+".unsynced", []byte("x"), 0o600))
}

func (s *subject) create() (err error) {
	s.log, err = eventlog.Create(s.dir(), eventlog.Birth{Genesis: &genesis}, s.config())
	return err
}

// foundLog says whether there is a log. One that there is not is made.
func (s *subject) foundLog() string {
	if s.made {
		return none
	}
	return all
}

func (s *subject) openOrCreate() {
	s.Helper()
	_, err := os.Lstat(filepath.Join(s.dir(), "quipu.db"))
	if s.made = errors.Is(err, fs.ErrNotExist); s.made {
		must(s, s.create())
	} else {
		must(s, s.reopened())
	}
	s.openPeer()
}

func (s *subject) reopened() (err error) {
	s.log, err = eventlog.Open(s.dir(), s.config())
	return err
}

// inFlight makes the entries that the operation is to append. They make the file longer.
func inFlight(s *subject) {
	s.flight = s.numbers(3)
	for i := range s.flight {
		s.flight[i].Payload = append(s.flight[i].Payload, bytes.Repeat([]byte{' '}, 30<<10)...)
	}
}

// full has as many arrivals of the log's own ops be late as may be, so that the operation writes them all.
func full(s *subject) {
	s.peerAppends(1)
	must(s, s.apply()) // then none is
	for range record.MaxLate {
		must(s, s.append(s.numbers(1)...))
	}
	inFlight(s)
}

// appendInFlight appends what the operation is to append.
func (s *subject) appendInFlight() error { return s.append(s.flight...) }

// sendFlight appends once more what the operation was to append, whether it is there or not: then it is there once.
func (s *subject) sendFlight() {
	s.Helper()
	must(s, s.append(s.flight...))
	s.checkAcked()
}

// appendTwice appends while a sync fails, and again: that waits until the log has been opened anew and verified. Steps
// count from the sync on.
func (s *subject) appendTwice() error {
	s.disk.failNextSync()
	if _, err := s.log.AppendBatch(s.ctx, s.numbers(1)); !errors.Is(err, eventlog.ErrUncertain) {
		return errors.Join(errors.New("a failed sync was not told"), err)
	}
	return s.appendInFlight()
}

// foundHeld says how many of the entries in flight the log holds.
func (s *subject) foundHeld() string {
	held := s.held(s.log)
	return s.share(func(n int) bool { _, there := held[n]; return there })
}

// foundGone says how many of the entries in flight the log has forgotten.
func (s *subject) foundGone() string {
	held := s.held(s.log)
	return s.share(func(n int) bool { _, there := held[n]; return !there })
}

// foundSeen says how many of the entries in flight the follower has seen.
func (s *subject) foundSeen() string {
	seen := s.seen(s.log)
	return s.share(func(n int) bool { return seen[n] > 0 })
}

// share says of how many of the numbers in flight something is true.
func (s *subject) share(is func(n int) bool) string {
	count := 0
	for _, e := range s.flight {
		if is(s.number(e.Payload)) {
			count++
		}
	}
	return shareOf(count, len(s.flight))
}

func shareOf(n, of int) string {
	switch n {
	case 0:
		return none
	case of:
		return all
	}
	return part
}

func (s *subject) apply() error { return exchange(s.peer, s.log) }

func (s *subject) followOn() error { return s.follow(s.log) }

func (s *subject) index() error { return s.log.CatchUpIndex(s.ctx) }

// moreThanMarked has the log hold more than the mark beside it says.
func moreThanMarked(s *subject) { must(s, s.append(s.numbers(1)...)) }

// shut closes the log.
func (s *subject) shut() error {
	l := s.log
	s.log = nil
	return l.Close()
}

// peerAppends puts entries into the peer that the log is to take.
func peerAppends(s *subject) {
	before := s.next
	s.peerAppends(3)
	s.isAbout(before, s.next)
}

// isAbout says that the operation is about some numbers.
func (s *subject) isAbout(from, to int) {
	for n := from; n < to; n++ {
		s.flight = append(s.flight, crdt.Event{Payload: fmt.Append(nil, n)})
	}
}

// lateAndPeerAppends is peerAppends, with arrivals of the log's own ops that the operation is to write, too.
func lateAndPeerAppends(s *subject) {
	for range 3 {
		must(s, s.append(s.numbers(1)...))
	}
	peerAppends(s)
}

// behind has the log take more than the follower handles in one commit.
func behind(s *subject) {
	before := s.next
	must(s, s.append(s.numbers(6)...))
	s.isAbout(before, s.next)
}

// toForget says which entries a trim is to take.
func toForget(s *subject) {
	must(s, s.follow(s.log))
	for n, p := range s.acked {
		if p.Seq+kept < s.log.Feed(p.Author).Next() {
			s.isAbout(n, n+1)
		}
	}
}

// leaveBelow is below which seq the log's own feed is pruned.
const leaveBelow = 3

func (s *subject) trim() error {
	_, err := s.log.Trim(s.ctx, eventlog.TrimOptions{})
	return err
}

func (s *subject) prune() error {
	_, err := s.log.Prune(s.ctx, eventlog.PruneRequest{Below: leaveBelow})
	return err
}

func (s *subject) foundLeave() string {
	if s.log.Feed(s.log.Author()).Floor() == leaveBelow {
		return all
	}
	return none
}

// pruned gives the leave that a trim is to make use of. What may be trimmed besides is.
func pruned(s *subject) {
	must(s, s.follow(s.log))
	must(s, s.trim())
	must(s, s.prune())
	must(s, exchange(s.log, s.peer))
}

// foundPruned says whether what is below the floor is gone.
func (s *subject) foundPruned() string {
	pruned := s.log.Stats().Pruned
	return shareOf(int(min(pruned, leaveBelow)), leaveBelow)
}

// noteFile takes note of which file the log has.
func (s *subject) noteFile() {
	var err error
	s.file, err = os.Stat(s.log.Path())
	must(s, err)
}

func (s *subject) compact() error {
	_, err := s.log.Compact(s.ctx)
	return err
}

// foundCopy says whether the copy is in the place of the file.
func (s *subject) foundCopy() string {
	now, err := os.Stat(s.log.Path())
	must(s, err)
	if os.SameFile(now, s.file) {
		return none
	}
	return all
}

// leavesNoCopy compacts once more, after which nothing is left over.
func (s *subject) leavesNoCopy() {
	if err := s.compact(); err != nil {
		s.Errorf("compact again: %v", err)
	}
	if left, err := filepath.Glob(s.log.Path() + ".*-*"); err != nil || len(left) > 0 {
		s.Errorf("left over: %v, %v", left, err)
	}
}

// foundIndex says whether all that the log held is indexed.
func (s *subject) foundIndex() string {
	status, err := s.log.IndexStatus()
	must(s, err)
	if status.Reached == 0 {
		return none
	}
	return all
}

// indexIsRight finds by the index what a scan finds.
func (s *subject) indexIsRight() {
	if err := s.log.CatchUpIndex(s.ctx); err != nil {
		s.Errorf("index: %v", err)
	}
	found := 0
	for _, text := range []string{"0", "1", "2"} {
		for _, err := range s.log.Entries(s.ctx, eventlog.Query{Subjects: []string{text}}) {
			must(s, err)
			found++
		}
	}
	if held := s.held(s.log); found != len(held) {
		s.Errorf("the index finds %d entries of %d", found, len(held))
	}
}

// recover takes up the log's own feed where it ends here, unless that has been done.
func (s *subject) recover() error {
	if s.log.Recovering() == nil {
		return nil
	}
	r := eventlog.Recovery{Alone: true}
	for _, head := range s.log.Feed(s.log.Author()).Heads() {
		r.End = head
	}
	_, err := s.log.Recover(s.ctx, r)
	return err
}

func (s *subject) foundRecovered() string {
	if s.log.Recovering() == nil {
		return all
	}
	return none
}

// newKey is the key that a log is given.
var newKey = eventlogtest.Key("new")

func (s *subject) rekey() (err error) {
	if s.log, err = eventlog.Rekey(s.dir(), s.config(), newKey, func() error { return nil }); err == nil {
		s.key = newKey
	}
	return err
}

// openWithEither opens the log with the key that it has.
func (s *subject) openWithEither() {
	s.Helper()
	err := s.reopened()
	if errors.Is(err, eventlog.ErrWrongKey) {
		s.key = newKey
		err = s.reopened()
	}
	must(s, err)
	s.openPeer()
}

func (s *subject) foundNewKey() string {
	if s.log.Author() == crdt.AuthorOf(newKey) {
		return all
	}
	return none
}

// noRoom has an append find no room.
func noRoom(s *subject) {
	s.disk.noRoomFor(func() {
		if _, err := s.log.AppendBatch(s.ctx, s.numbers(1)); !errors.Is(err, eventlog.ErrUncertain) {
			s.Fatalf("append without room: %v", err)
		}
	})
}

// seekRoom returns an error where no room was found.
func (s *subject) seekRoom() error {
	if s.log.SeekRoom(); s.log.Health().Full != nil {
		return errors.New("no room was found")
	}
	return nil
}
