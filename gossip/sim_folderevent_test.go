package gossip_test

import (
	"fmt"
)

// backupEvent: the folder of a node is kept as it is.
type backupEvent struct{ node string }

func (e backupEvent) String() string { return "a backup is made of " + e.node }

func (e backupEvent) do(s *simulation) error {
	s.backup(s.nodes[e.node])
	return nil
}

// restoreEvent: a node's folder is put back to its backup.
type restoreEvent struct {
	node    string
	inPlace bool
}

func (e restoreEvent) String() string {
	how := "in another folder"
	if e.inPlace {
		how = "in its own file"
	}
	return fmt.Sprintf("%s is restored from its backup, %s", e.node, how)
}

func (e restoreEvent) do(s *simulation) error { return s.restore(s.nodes[e.node], e.inPlace) }

// rollBackEvent: the machine of a node is put back to when the backup was made.
type rollBackEvent struct {
	node     string
	rebooted bool
}

func (e rollBackEvent) String() string {
	if e.rebooted {
		return fmt.Sprintf("the disk of %s is rolled back to its backup, and the machine starts again", e.node)
	}
	return fmt.Sprintf("the machine of %s is rolled back to its backup", e.node)
}

func (e rollBackEvent) do(s *simulation) error { return s.rollBack(s.nodes[e.node], e.rebooted) }

// loseEvent: a node loses its disk, but for the key.
type loseEvent struct{ node string }

func (e loseEvent) String() string { return e.node + " loses its disk, and joins with its key again" }

func (e loseEvent) do(s *simulation) error { return s.lose(s.nodes[e.node]) }

// spoilEvent: the last op of a node's own feed cannot be read any more.
type spoilEvent struct{ node string }

func (e spoilEvent) String() string { return "the end of the feed of " + e.node + " is spoiled" }

func (e spoilEvent) do(s *simulation) error { return s.spoilHead(s.nodes[e.node]) }

// moveEvent: a node is to start on another machine, or on its own after a start of that.
type moveEvent struct {
	node string
	host bool
}

func (e moveEvent) String() string {
	if e.host {
		return e.node + " moves to another machine"
	}
	return "the machine of " + e.node + " starts again"
}

func (e moveEvent) do(s *simulation) error { return s.move(s.nodes[e.node], e.host) }

// copyEvent: a node's folder is copied to another machine while it runs.
type copyEvent struct{ node, twin string }

func (e copyEvent) String() string { return fmt.Sprintf("%s is copied to %s", e.node, e.twin) }

func (e copyEvent) do(s *simulation) error {
	s.copyBeside(s.nodes[e.node], e.twin)
	return nil
}

// lieEvent: a node begins to say what is not true, until the next check.
type lieEvent struct {
	node, about string
	how         string
	seed        uint64
}

func (e lieEvent) String() string {
	return fmt.Sprintf("%s lies about the feed of %s: %s", e.node, e.about, e.how)
}

func (e lieEvent) do(s *simulation) error {
	return s.lies(s.nodes[e.node], s.nodes[e.about], e.how, e.seed)
}

// withoutEvent: the operator of a node that asks where its feed ends goes on without who is missing.
type withoutEvent struct{ node string }

func (e withoutEvent) String() string {
	return "the operator of " + e.node + " goes on without who is missing"
}

func (e withoutEvent) do(s *simulation) error {
	if n := s.nodes[e.node]; n.log != nil && n.log.Recovering() != nil {
		n.without()
	}
	return nil
}

// aloneEvent: the operator of a node goes on with whoever is linked.
type aloneEvent struct{ node string }

func (e aloneEvent) String() string { return "the operator of " + e.node + " goes on alone" }

func (e aloneEvent) do(s *simulation) error {
	if n := s.nodes[e.node]; n.log != nil && n.log.Recovering() != nil {
		n.alone()
	}
	return nil
}

// newKeyEvent: a node is stopped and given a key of its own.
type newKeyEvent struct{ node string }

func (e newKeyEvent) String() string { return e.node + " is given another key" }

func (e newKeyEvent) do(s *simulation) error { return s.newKey(s.nodes[e.node]) }
