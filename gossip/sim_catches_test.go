package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
)

// act is an event that a test makes up.
type act func(s *simulation) error

func (act) String() string { return "the test does something" }

func (a act) do(s *simulation) error { return a(s) }

// Every invariant of the simulation is broken here once on purpose.
func TestSimulationCatches(t *testing.T) {
	if testing.Short() {
		t.Skip("what the simulation catches is not run with -short")
	}
	write := appendEvent{"n1", 5, 20}
	before := []event{backupEvent{"n1"}, backupEvent{"n2"}, write, checkEvent{}}
	tests := []struct {
		name   string
		want   string // the invariant
		flaw   flaw
		events []event
	}{
		{"nothing", "", flaw{}, []event{
			write, cloneEvent{"n2", "n2-copy"}, crashEvent{"n1", 4}, startEvent{"n1"}, write, checkEvent{}, quietEvent{}}},
		{"nothing of folders", "", flaw{}, slices.Concat(before, []event{
			restoreEvent{"n1", true}, startEvent{"n1"}, copyEvent{"n2", "n2-twin"}, lieEvent{"n3", "n1", lieGhosts, 1}, checkEvent{}, write,
			moveEvent{"n2", true}, startEvent{"n2"}, spoilEvent{"n1"}, loseEvent{"n3"}, newKeyEvent{"n2-twin"}, checkEvent{}, quietEvent{}})},
		{"an op that is dropped", simConverge, flaw{log: dropping("n3", "n1")}, []event{write}},
		{"a copy that does not look at its own feed", simCopies, flaw{log: dropping("n2-copy", "n2")}, []event{cloneEvent{"n2", "n2-copy"}}},
		{"a copy that is taken for an honest node", simAppends, flaw{}, []event{
			cloneEvent{"n2", "n2-copy"}, checkEvent{}, act(hideCopy), appendEvent{"n2", 1, 1}}},
		{"acks before the disk", simHeld, flaw{acksUnsynced: true}, []event{write, crashEvent{"n1", 2}, startEvent{"n1"}, write}},
		{"a tail that skips", simTails, flaw{tailSkips: map[string]uint64{"n2": 3}}, []event{write}},
		{"a byte that changes on disk", simVerifies, flaw{}, []event{write, checkEvent{}, act(flipPayload)}},
		{"a power cut that leaves garbage", simReopens, flaw{}, []event{write, stopEvent{"n1"}, act(spoilMeta), startEvent{"n1"}}},
		{"a node that ends", simRuns, flaw{}, []event{write, act(endNode)}},
		{"somebody who goes on writing", simQuiet, flaw{}, []event{write, checkEvent{}, act(goOn), quietEvent{}}},
		{"a folder that forgets that it was put back", simForks, flaw{forgets: true}, slices.Concat(before, []event{
			partitionEvent{[][]string{{"n1"}, {"n2", "n3"}}}, restoreEvent{"n1", false}, startEvent{"n1"}, write})},
		{"an end at the first answer", simEnds, flaw{peers: asks(gossip.OwnEndQuestion{Soft: true})}, []event{
			write, checkEvent{}, stopEvent{"n2"}, write, loseEvent{"n1"}, partitionEvent{[][]string{{"n1", "n2"}, {"n3"}}},
			startEvent{"n2"}, startEvent{"n1"}}},
		{"an end that is a liar's", simEnds, flaw{peers: asks(gossip.OwnEndQuestion{
			Without: []crdt.Author{crdt.AuthorOf(testKey(1))}, Places: []string{"10.0.0.2:7946"}})}, slices.Concat(before, []event{
			lieEvent{"n3", "n1", lieWithheld, 1}, partitionEvent{[][]string{{"n1", "n3"}, {"n2"}}}, restoreEvent{"n1", false}, startEvent{"n1"}})},
		{"a node that never goes on", simEnds, flaw{peers: waiting}, slices.Concat(before, []event{restoreEvent{"n1", false}})},
		{"a tail that trusts its offset", simTails, flaw{tailTrusts: true}, slices.Concat(before, []event{
			restoreEvent{"n2", false}, partitionEvent{[][]string{{"n2"}, {"n1", "n3"}}}, startEvent{"n2"}, aloneEvent{"n2"}, write, appendEvent{"n2", 9, 20}})},
		{"a leak", simMemory, flaw{}, []event{write, act(leak)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sc := scenario{seed: 1, nodes: 3}
			for _, e := range append(test.events, checkEvent{}) {
				sc.steps = append(sc.steps, step{2 * time.Second, e})
			}
			s, err := simulate(t, sc, test.flaw)
			broken, _ := errors.AsType[*simBroken](err)
			if broken == nil && test.want != "" || broken != nil && broken.invariant != test.want {
				t.Errorf("expected to be caught: %q\n%s", test.want, simReport(s, err))
			}
		})
	}
}

// dropping makes the log of a node drop what comes of an author and say that it was stored.
func dropping(node, author string) func(string, gossip.Log) gossip.Log {
	return func(name string, l gossip.Log) gossip.Log {
		if name != node {
			return l
		}
		for i := range 3 {
			if simName(i) == author {
				return &droppingLog{l, crdt.AuthorOf(testKey(i))}
			}
		}
		return l
	}
}

// droppingLog drops the runs of one author.
type droppingLog struct {
	gossip.Log
	of crdt.Author
}

func (l *droppingLog) Apply(ctx context.Context, runs []crdt.Run) ([]crdt.Outcome, error) {
	outcomes := make([]crdt.Outcome, len(runs))
	for i, r := range runs {
		if r.Author() == l.of {
			outcomes[i] = crdt.Outcome{Author: l.of, Decision: crdt.Accepted, Ops: len(r.Ops)}
			continue
		}
		one, err := l.Log.Apply(ctx, []crdt.Run{r})
		if err != nil {
			return nil, err
		}
		outcomes[i] = one[0]
	}
	return outcomes, nil
}

// asks makes a node ask whom it likes where its feed ends, and say that it asked all.
func asks(q gossip.OwnEndQuestion) func(*simNode) eventlog.AskedPeers {
	return func(n *simNode) eventlog.AskedPeers { return &flawedPeers{n.members, n, q} }
}

// flawedPeers asks a question of its own, or none at all.
type flawedPeers struct {
	eventlog.AskedPeers
	node *simNode
	q    gossip.OwnEndQuestion
}

func (p *flawedPeers) OwnEnd(ctx context.Context, _ *eventlog.RecoveringError) (eventlog.Recovery, error) {
	time.Sleep(time.Millisecond) // it is running by then
	end, err := p.node.AskOwnEnd(ctx, p.q)
	return eventlog.Recovery{End: end.End, Asked: end.Asked}, err
}

// waiting makes a node wait for ever.
func waiting(n *simNode) eventlog.AskedPeers { return &waitingPeers{n.members} }

type waitingPeers struct{ eventlog.AskedPeers }

func (*waitingPeers) OwnEnd(ctx context.Context, _ *eventlog.RecoveringError) (eventlog.Recovery, error) {
	<-ctx.Done()
	return eventlog.Recovery{}, ctx.Err()
}

// hideCopy makes the simulation forget that n2 was copied.
func hideCopy(s *simulation) error {
	s.nodes["n2"].unsure.Store(false)
	return nil
}

// flipPayload changes a byte of an entry in the file of n3, which is up.
func flipPayload(s *simulation) error {
	file, err := os.OpenFile(s.nodes["n3"].log.Path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := os.ReadFile(file.Name())
	if err != nil {
		return err
	}
	text := []byte(`{"by":"n1","n":2`)
	for at := 0; ; at += len(text) {
		i := bytes.Index(content[at:], text)
		if i < 0 {
			return nil
		}
		at += i
		if _, err := file.WriteAt([]byte("3"), int64(at+len(text)-1)); err != nil {
			return err
		}
	}
}

// spoilMeta writes over a meta page of n1, which is down.
func spoilMeta(s *simulation) error {
	file, err := os.OpenFile(s.nodes["n1"].dir+"/quipu.db", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteAt([]byte("garbage"), 40)
	return err
}

// endNode ends the gossip of n2 as a fault of its own would.
func endNode(s *simulation) error {
	s.nodes["n2"].cancel()
	return nil
}

// goOn has n1 append three times a second for two minutes.
func goOn(s *simulation) error {
	n := s.nodes["n1"]
	n.writers.Go(func() {
		for range 360 {
			s.note(n.append(1, 1))
			time.Sleep(time.Second / 3)
		}
	})
	return nil
}

// leak starts goroutines that go on for a while.
func leak(*simulation) error {
	for range 1000 {
		go time.Sleep(time.Minute)
	}
	return nil
}

// The checks of what nodes show, on views made by hand.
func TestSimulationComparesViews(t *testing.T) {
	a, b := crdt.AuthorOf(testKey(0)), crdt.AuthorOf(testKey(1))
	one := simView{simEntry: simEntry{a, 0, crdt.OpID{1}}, sum: [32]byte{1}}
	two := simView{simEntry: simEntry{b, 0, crdt.OpID{2}}, sum: [32]byte{2}}
	left := simView{simEntry: simEntry{b, 1, crdt.OpID{3}}, sum: [32]byte{3}, disputed: true}
	right := simView{simEntry: simEntry{b, 1, crdt.OpID{4}}, sum: [32]byte{4}, disputed: true}
	unmarked, altered := right, right
	unmarked.disputed = false
	altered.sum[31]++
	tests := []struct {
		name   string
		copied bool // the second node
		log    []simView
		other  []simView
		acked  []simView
		want   string
	}{
		{"the same", false, []simView{one, two}, []simView{one, two}, []simView{one, two}, ""},
		{"one lacks an entry", false, []simView{one, two}, []simView{one}, nil, simSame},
		{"one has an entry more", false, []simView{one}, []simView{one, two}, nil, simSame},
		{"one was altered", false, []simView{right}, []simView{altered}, nil, simSame},
		{"one is not marked", false, []simView{right}, []simView{unmarked}, nil, simSame},
		{"a copy lacks its own", true, []simView{one, left, right}, []simView{one, left}, []simView{left, right}, ""},
		{"a copy lacks another's", true, []simView{one, left, right}, []simView{left, right}, nil, simSame},
		{"a fork of nobody's", false, []simView{left, right}, []simView{left, right}, nil, simForks},
		{"a fork that is not marked", true, []simView{left, unmarked}, []simView{left, unmarked}, nil, simForks},
		{"a branch that is lost", true, []simView{one, left}, []simView{one, left}, []simView{left, right}, simHeld},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSimulation(t, scenario{nodes: 2}, flaw{}, t.TempDir())
			if test.copied {
				s.excuse(b, "copied")
			}
			for _, v := range test.acked {
				s.acked = append(s.acked, acked{"n2", v.author, v.seq, v.sum})
			}
			got := ""
			if err := s.compareViews("n1", test.log, "n2", test.other); err != nil {
				got = err.(*simBroken).invariant
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("broken invariant (-want +got):\n%s", diff)
			}
		})
	}
}

// A seed is a scenario: the same whenever it is drawn, and another than its neighbour's.
func TestScenarioIsItsSeed(t *testing.T) {
	words := func(seed uint64) (all []string) {
		for _, step := range newScenario(seed, 0, false).steps {
			all = append(all, step.after.String()+" "+step.event.String())
		}
		return all
	}
	for seed := range uint64(50) {
		if diff := cmp.Diff(words(seed), words(seed)); diff != "" {
			t.Errorf("seed %d twice:\n%s", seed, diff)
		}
		if cmp.Equal(words(seed), words(seed+1)) {
			t.Errorf("seeds %d and %d are one scenario", seed, seed+1)
		}
	}
}
