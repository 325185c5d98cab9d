package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// cuts is how many states are made of each workload: more with QUIPU_E2E=1 and without -short.
func cuts() int {
	if os.Getenv("QUIPU_E2E") != "" && !testing.Short() {
		return 1500
	}
	return 80
}

// workloads are what a log is put to while the tape runs.
var workloads = []struct {
	name string
	run  func(r *recording)
}{
	{"many writers, a peer and a follower", (*recording).writers},
	{"trims, prunes and compactions", (*recording).forgetting},
	{"opened and closed", (*recording).reopening},
}

// TestPowerCuts records workloads, and opens what power cuts may leave of them: each verifies, has what was acked before
// the cut, appends, and is equal with its peer after an exchange.
func TestPowerCuts(t *testing.T) {
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t, &operation{name: w.name, forgets: true, prunes: true})
			defer s.end()
			rec := &recording{subject: s}
			rec.record(w.run)
			seed := rand.Uint64()
			for n := range cuts() {
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				rec.check(r)
				if t.Failed() {
					t.Fatalf("state %d of seed %d", n, seed)
				}
			}
			t.Logf("%d states of %d calls, %d entries acked", cuts(), len(rec.tape.events), len(rec.acks))
		})
	}
}

// recording is a workload on its tape.
type recording struct {
	*subject
	tape *tape

	mu    sync.Mutex
	acks  []ack  // guarded by mu while it is recorded
	tales []tale // in their order
}

// ack is an entry that was acked before an event.
type ack struct {
	at     int // the event
	number int
	place  crdt.Place
}

// tale is what a peer was told before an event.
type tale struct {
	at  int
	run crdt.Run
}

// record creates a log and runs a workload on it.
func (r *recording) record(run func(r *recording)) {
	r.Helper()
	r.next = 10_000 // of what the peer appends
	r.openPeer()
	r.tape = newTape(r, r.dir(), filepath.Join(r.folder, "links"))
	stop := sys.Watch(r.dir(), r.tape.watch)
	defer stop()
	must(r, r.create())
	run(r)
	r.close()
}

// append appends an entry in a goroutine of its caller's, and takes note of when it was acked.
func (r *recording) append(number int, retention crdt.Retention) {
	r.Helper()
	e := crdt.Event{Kind: numberKind, Payload: fmt.Append(nil, number), Retention: retention, Headers: []crdt.EventHeader{{Name: eventlog.HeaderID, Value: fmt.Sprint(number)}}}
	place, err := r.log.Append(context.Background(), e)
	must(r, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, ack{r.tape.position(), number, place})
}

// tell tells the peer what it lacks, and takes note of when.
func (r *recording) tell() {
	r.Helper()
	must(r, exchangeBy(r.log, r.peer, func(run crdt.Run) {
		r.tales = append(r.tales, tale{r.tape.position(), run})
	}))
}

// take takes what the peer has and the log lacks. The peers of later have it anyhow.
func (r *recording) take() {
	r.Helper()
	must(r, exchangeBy(r.peer, r.log, func(run crdt.Run) { r.tales = append(r.tales, tale{0, run}) }))
}

// writers has several append at once, each waiting for its entries one by one, while a follower runs, a peer takes what
// there is, and its entries come.
func (r *recording) writers() {
	var writing sync.WaitGroup
	for w := range 6 {
		writing.Go(func() {
			for i := range 12 {
				r.append(100*w+i, crdt.Trimmable)
			}
		})
	}
	for range 4 {
		must(r, r.follow(r.log))
		r.tell()
		r.peerAppends(2)
		r.take()
	}
	writing.Wait()
	must(r, r.follow(r.log))
	r.tell()
}

// forgetting appends, forgets and compacts in turns.
func (r *recording) forgetting() {
	for turn := range 4 {
		for i := range 8 {
			r.append(100*turn+i, crdt.Trimmable)
		}
		r.peerAppends(3)
		r.take()
		must(r, r.follow(r.log))
		r.tell()
		if turn%2 == 1 {
			_, err := r.log.Prune(r.ctx, eventlog.PruneRequest{Keep: 3 * kept})
			must(r, err)
		}
		must(r, r.trim())
		must(r, r.compact())
		r.tell()
	}
}

// reopening opens the log again and again.
func (r *recording) reopening() {
	for turn := range 6 {
		for i := range 3 {
			r.append(100*turn+i, crdt.Persistent)
		}
		r.tell()
		must(r, r.follow(r.log))
		must(r, r.index())
		must(r, r.log.Close())
		must(r, r.reopened())
	}
}

// check looks at what a power cut has left.
func (r *recording) check(draw *rand.Rand) {
	r.Helper()
	at := draw.IntN(len(r.tape.events) + 1)
	r.note = fmt.Sprintf(", cut before call %d of %d", at, len(r.tape.events))
	r.tape.cut(at, draw)
	r.acked, r.next = make(map[int]crdt.Place), 1_000_000
	for _, a := range r.acks {
		if a.at <= at {
			r.acked[a.number] = a.place
		}
	}
	if _, err := os.Lstat(filepath.Join(r.dir(), "quipu.db")); errors.Is(err, fs.ErrNotExist) {
		if len(r.acked) > 0 {
			r.Errorf("there is no log, and %d entries were acked", len(r.acked))
		}
		return
	}
	r.peerName = "witness" // who knows what all have told
	must(r, os.RemoveAll(r.peerDir()))
	r.open()
	for _, told := range r.tales {
		if told.at <= at {
			outcomes, err := r.peer.Apply(r.ctx, []crdt.Run{told.run})
			must(r, errors.Join(err, outcomes[0].Err))
		}
	}
	if state := r.log.Recovering(); state != nil {
		r.Errorf("it is not known to be the log that it is: %v", state)
	}
	r.verify()
	r.goesOn()
	r.verify()
	r.close()
}
