package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var (
	storySeed  = flag.Uint64("story.seed", 1, "the first seed of TestStories")
	storySeeds = flag.Int("story.seeds", 2, "how many seeds TestStories runs")
)

// TestStories lets drawn things happen to real daemons while clients append: daemons are killed, stopped and frozen;
// folders are put back to older states, lost, rolled back and copied beside the running original; operators speak. In
// the end everything runs and is reachable again, and then all nodes hold the same log, with all that was acked and was
// on any disk that is left; no seq of an author has two ops; everybody appends. A feed may fork only where an operator
// said that somebody need not be asked, or where a rollback left no trace; then nothing that was acked is lost on either
// branch, and its node says why it appends no more.
//
// So it may where what a node had sent before its folder was lost stands unread in the sockets of one that is frozen: that
// one answers truly for what it has read.
//
// A seed decides what happens, though not when. More of them, or one again:
//
//	QUIPU_E2E=1 go test ./integration -run TestStories -story.seed 1 -story.seeds 100 -timeout 30m
func TestStories(t *testing.T) {
	if testing.Short() || os.Getenv("QUIPU_E2E") == "" {
		t.Skip("takes some seconds a seed: run it with QUIPU_E2E=1")
	}
	for i := range *storySeeds {
		seed := *storySeed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newStory(t, seed).run()
		})
	}
}

// storyEvents is how many things happen in a story before all is well again.
const storyEvents = 20

// story is what happens to a cluster.
type story struct {
	t     *testing.T
	seed  uint64
	rand  *rand.Rand
	nodes []*actor
	acked map[string]string // subject → place of what was acked, as far as it is on a disk that is left
	ops   map[string]string // place → op, as far as it was seen
	// excused are the authors whose feeds may fork, and why.
	excused map[string]string
	said    int // subjects so far
	copies  int // that were started beside their originals
	told    []string
}

// actor is a node of a story.
type actor struct {
	*member
	name    string
	frozen  bool
	unread  map[string]bool // authors that have written since it froze: their ops may stand in its sockets
	backups []string        // older states of the folder, the oldest first
}

func newStory(t *testing.T, seed uint64) *story {
	s := &story{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 12)),
		acked: make(map[string]string), ops: make(map[string]string), excused: make(map[string]string),
	}
	t.Cleanup(func() {
		if t.Failed() || testing.Verbose() {
			t.Logf("the story:\n  %s\nagain: QUIPU_E2E=1 go test ./integration -run TestStories -story.seed %d -story.seeds 1",
				strings.Join(s.told, "\n  "), seed)
		}
	})
	for i, m := range newCluster(t, 3+s.rand.IntN(3)) {
		m.listen = s.addr(1 + i)
		s.nodes = append(s.nodes, &actor{member: m, name: fmt.Sprintf("node%d", i)})
	}
	return s
}

// addr returns an address of the story's own to listen at. No connection goes out from one, so that none takes the port of
// a node while that is down.
func (s *story) addr(n int) string {
	return fmt.Sprintf("127.%d.%d.%d:0", 1+s.seed/250%250, 1+s.seed%250, n)
}

// tell notes what happens.
func (s *story) tell(format string, args ...any) {
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

func (s *story) run() {
	for _, a := range s.nodes {
		s.start(a)
	}
	allSee(s.t, s.members(), len(s.nodes)-1)
	for _, a := range s.nodes { // whoever has told nobody of itself goes on at once, unasked
		s.append(a, 1)
	}
	converged(s.t, s.members())
	for range storyEvents {
		s.event(s.nodes[s.rand.IntN(len(s.nodes))])
	}
	s.heal()
	s.check()
}

// members returns the nodes for helpers that know no stories.
func (s *story) members() (all []*member) {
	for _, a := range s.nodes {
		all = append(all, a.member)
	}
	return all
}

// start starts a node that is down.
func (s *story) start(a *actor) {
	a.join = nil
	for _, other := range s.nodes {
		if other != a && !strings.HasSuffix(other.listen, ":0") {
			a.join = append(a.join, other.listen)
		}
	}
	a.member.start()
	_, state, _ := strings.Cut(strings.TrimSpace(a.ready), ".sock")
	s.tell("%s starts%s", a.name, state)
}

// event lets one thing happen to a node, or to one that is like it.
func (s *story) event(a *actor) {
	down := a.daemon == nil
	switch draw := s.rand.IntN(100); {
	case draw < 30:
		s.append(a, 1+s.rand.IntN(5))
	case a.frozen:
		s.thaw(a)
	case draw < 40 && !down:
		s.freeze(a)
	case draw < 48 && !down:
		s.killWhileWriting(a)
	case draw < 53 && !down:
		a.stop()
		s.tell("%s stops", a.name)
	case down && draw < 58:
		s.start(a)
	case draw < 68:
		s.backup(a)
	case draw < 86:
		s.restore(a)
	case draw < 90:
		s.loseDisk(a)
	case draw < 96:
		s.operate(a)
	default:
		s.copyBeside(a)
	}
}
