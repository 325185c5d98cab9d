package gossip_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// simBackup is an older state of a node's folder, and of whoever reads on that machine.
type simBackup struct {
	dir      string
	frontier crdt.Frontier
	tail     simSeen
}

// copyFolder copies the folder of a node, as it is between two commits, to dir.
func (n *simNode) copyFolder(dir string) {
	n.writers.Wait()
	synctest.Wait() // nothing is being committed
	if err := os.CopyFS(dir, os.DirFS(n.dir)); err != nil {
		n.sim.t.Fatal(err)
	}
}

// backup keeps the folder of a node as it is. What was kept before is thrown away.
func (s *simulation) backup(n *simNode) {
	if n.log == nil {
		return
	}
	b := &simBackup{dir: n.dir + "-backup"}
	s.must(os.RemoveAll(b.dir))
	n.copyFolder(b.dir)
	b.frontier, b.tail = n.log.Frontier(), n.tail.place()
	s.backups[n] = b
}

// powerOff ends a node without a word to anybody.
func (n *simNode) powerOff() error {
	if n.log == nil {
		return nil
	}
	n.sim.net.Crash(n.name)
	n.end()
	return n.closeLog()
}

// mayLose reports whether what a node holds may be lost without making it unclear what was acked: no branch of a feed
// that may have forked is only there.
func (s *simulation) mayLose(n *simNode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.excuses {
		for _, h := range n.frontier()[a] {
			if !slices.ContainsFunc(s.all(), func(m *simNode) bool { return m != n && slices.Contains(m.frontier()[a], h) }) {
				return false
			}
		}
	}
	return s.excuses[n.author()] == ""
}

// replaced takes note that the folder of a node, which is down, holds something else now.
func (s *simulation) replaced(n *simNode, holds crdt.Frontier) {
	s.mu.Lock()
	n.left = holds
	s.mu.Unlock()
	n.unsure.Store(true)
	s.bury()
}

// bury forgets that entries were acked which no folder holds any more, and throws away the backups with anything that
// no folder holds.
func (s *simulation) bury() {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := func(a crdt.Author) (next uint64) {
		for _, n := range s.all() {
			next = max(next, n.holds(a))
		}
		return next
	}
	before := len(s.acked)
	s.acked = slices.DeleteFunc(s.acked, func(a acked) bool { return a.seq >= most(a.author) })
	s.lost += before - len(s.acked)
	for n, b := range s.backups {
		for a, heads := range b.frontier.All() {
			if heads[len(heads)-1].Next > most(a) {
				delete(s.backups, n)
			}
		}
	}
}

// toBackup returns the backup of a node that is to be put back to it, and is down then; nil where that cannot be.
func (s *simulation) toBackup(n *simNode) (*simBackup, error) {
	b := s.backups[n]
	if b == nil || !s.mayLose(n) {
		s.tell("   which cannot be")
		return nil, nil
	}
	return b, n.powerOff()
}

// restore puts a node's folder back to its backup: another folder in its place, or the bytes of its log into
// the file that is there.
func (s *simulation) restore(n *simNode, inPlace bool) error {
	b, err := s.toBackup(n)
	if b == nil || err != nil {
		return err
	}
	if inPlace {
		s.overwrite(n, b)
		if n.cut {
			s.excuse(n.author(), "rolled back, and the mark beside the file is from before the power cut")
		}
	} else {
		s.must(os.RemoveAll(n.dir))
		s.must(os.CopyFS(n.dir, os.DirFS(b.dir)))
	}
	s.replaced(n, b.frontier)
	if s.flaw.forgets {
		eventlogtest.Disguise(s.t, n.dir)
	}
	return nil
}

// overwrite writes the log of a backup into the file of a node.
func (s *simulation) overwrite(n *simNode, b *simBackup) {
	was, err := os.ReadFile(b.dir + "/quipu.db")
	s.must(err)
	s.must(os.WriteFile(n.dir+"/quipu.db", was, 0o600))
}

// rollBack puts the machine of a node back to when the backup was made, its readers too. No file shows it; it may be a
// start of the machine, which leaves its traces.
func (s *simulation) rollBack(n *simNode, rebooted bool) error {
	b, err := s.toBackup(n)
	if b == nil || err != nil {
		return err
	}
	s.overwrite(n, b)
	s.must(os.RemoveAll(n.dir + "/quipu.db.seen"))
	n.tail.goBack(b.tail)
	s.replaced(n, b.frontier)
	if !rebooted {
		s.excuse(n.author(), "rolled back, and nobody can see it")
		return nil
	}
	eventlogtest.Reboot(s.t, n.dir)
	return nil
}

// lose takes the folder of a node away, but for the key: it joins with that again.
func (s *simulation) lose(n *simNode) error {
	if !s.mayLose(n) {
		s.tell("   which cannot be")
		return nil
	}
	if err := n.powerOff(); err != nil {
		return err
	}
	s.must(os.RemoveAll(n.dir))
	l, err := eventlog.Create(n.dir, eventlog.Birth{Log: testGenesis.Log(), UsedKey: true}, n.logConfig())
	if err == nil {
		err = l.Close()
	}
	s.must(err)
	s.replaced(n, nil)
	return nil
}

// spoilHead makes the last op of a node's own feed unreadable.
func (s *simulation) spoilHead(n *simNode) error {
	if n.log == nil || !s.mayLose(n) || n.log.Feed(n.author()).IsZero() || n.log.Health().Mute != nil {
		s.tell("   which cannot be")
		return nil
	}
	last, err := n.log.Lookup(context.Background(), crdt.Place{Author: n.author(), Seq: n.log.Feed(n.author()).Next() - 1})
	if err != nil {
		return brokenf(simVerifies, "%s: %v", n.name, err)
	}
	path := n.log.Path()
	if err := n.powerOff(); err != nil {
		return err
	}
	file, err := os.ReadFile(path)
	s.must(err)
	text := last.Payload[:min(len(last.Payload), 300)]
	for at := 0; ; at += len(text) {
		i := bytes.Index(file[at:], text)
		if i < 0 {
			break
		}
		at += i
		file[at+2] ^= 1
	}
	s.must(os.WriteFile(path, file, 0o600))
	n.unsure.Store(true)
	n.spoiled.Store(true)
	return nil
}

// move has a node start on another machine, or on its own after a start of that.
func (s *simulation) move(n *simNode, host bool) error {
	if err := n.powerOff(); err != nil {
		return err
	}
	if host {
		eventlogtest.Move(s.t, n.dir)
	} else {
		eventlogtest.Reboot(s.t, n.dir)
	}
	n.unsure.Store(true)
	return nil
}

// copyBeside copies the folder of a node that is up to a machine of its own, with whoever reads from it. The copy is not
// started.
func (s *simulation) copyBeside(n *simNode, twin string) {
	if n.log == nil || s.nodes[twin] != nil {
		s.tell("   which cannot be")
		return
	}
	c := s.newNode(twin, n.key)
	c.skew.Store(n.skew.Load())
	n.copyFolder(c.dir)
	c.tail.goBack(n.tail.place())
	c.spoiled.Store(n.spoiled.Load())
	n.unsure.Store(true)
	s.replaced(c, n.log.Frontier())
}

// newKey gives a node a key of its own.
func (s *simulation) newKey(n *simNode) error {
	if err := n.powerOff(); err != nil {
		return err
	}
	s.keys++
	key := 100 + s.keys
	l, err := eventlog.Rekey(n.dir, n.logConfig(), testKey(key), func() error { return nil })
	if err != nil {
		return brokenf(simReopens, "%s: %v", n.name, err)
	}
	frontier := l.Frontier()
	if err := l.Close(); err != nil {
		return brokenf(simReopens, "%s: %v", n.name, err)
	}
	n.setKey(key)
	s.mu.Lock()
	n.left = frontier
	s.mu.Unlock()
	delete(s.backups, n)
	n.unsure.Store(true)
	return nil
}

// must ends the test for what is no fault of the nodes.
func (s *simulation) must(err error) {
	if err != nil {
		s.t.Fatal(err)
	}
}
