package crdt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// noon is the present of the examples.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// key returns a private key that is the same in each run. Real ones come from [ed25519.GenerateKey].
func key(letter string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte(letter), ed25519.SeedSize))
}

// write signs an op of one entry behind prev; prev is nil for an author's first op.
func write(log crdt.LogID, key ed25519.PrivateKey, prev *crdt.Op, subject string) crdt.Op {
	h := crdt.Header{Log: log, Clock: crdt.NextClock(noon, 0, 0)}
	if prev != nil {
		h.First, h.Prev, h.Clock = prev.Next(), prev.ID, crdt.NextClock(noon, prev.Clock, 0)
	}
	op, err := crdt.NewOp(key, h, noon, crdt.Event{Kind: "example", Subject: subject})
	if err != nil {
		panic(err)
	}
	return op
}

// apply gives ops to a set, each as a run of its own.
func apply(set *crdt.Set, ops ...crdt.Op) {
	for _, op := range ops {
		out, err := set.Apply(crdt.Run{Ops: []crdt.Op{op}})
		if err != nil || out.Err != nil {
			panic(fmt.Sprint(err, out.Err))
		}
	}
}

// show prints the log of a set.
func show(set *crdt.Set) {
	for e, err := range set.Entries() {
		if err != nil {
			panic(err)
		}
		disputed := ""
		if e.Disputed {
			disputed = " disputed"
		}
		fmt.Printf("%s/%d %s%s\n", e.Author.Short(), e.Seq, e.Subject, disputed)
	}
}

// Two nodes that hold the same ops have the same log, whatever the order in which the ops came.
func Example() {
	log := crdt.Genesis{Random: [32]byte{1}}.Log()
	ann, bob := key("a"), key("b")

	a0 := write(log, ann, nil, "ann writes")
	a1 := write(log, ann, &a0, "ann writes again")
	b0 := write(log, bob, nil, "bob writes")

	one, two := crdt.NewSet(log), crdt.NewSet(log)
	apply(one, a0, a1, b0)
	apply(two, b0, a1, a1, a0) // in another order, and one of them twice

	show(one)
	fmt.Println("same:", one.Frontier().Equal(two.Frontier()), one.Digest().Root() == two.Digest().Root())
	// Output:
	// 2df04125/0 bob writes
	// af06a3e3/0 ann writes
	// af06a3e3/1 ann writes again
	// same: true true
}

// An author that signs two ops after the same one has forked: both are kept, and marked from there on.
func Example_fork() {
	log := crdt.Genesis{Random: [32]byte{1}}.Log()
	ann := key("a")

	first := write(log, ann, nil, "before the copy")
	left := write(log, ann, &first, "the machine")
	right := write(log, ann, &first, "its clone")

	set := crdt.NewSet(log)
	apply(set, first, left, right)
	show(set)

	feed, err := set.Feed(crdt.AuthorOf(ann))
	if err != nil {
		panic(err)
	}
	proof, err := crdt.ProveFork(set, feed, feed.Branches[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("proven:", proof.Verify(log) == nil)
	// Output:
	// af06a3e3/0 before the copy
	// af06a3e3/1 the machine disputed
	// af06a3e3/1 its clone disputed
	// proven: true
}

// A node asks a peer where the two differ, and then for what it lacks. The peer answers without remembering
// anything; what each step hands over travels in a message.
func ExampleComparison() {
	log := crdt.Genesis{Random: [32]byte{1}}.Log()
	a0 := write(log, key("a"), nil, "both have it")
	a1 := write(log, key("a"), &a0, "the peer has it")
	b0 := write(log, key("b"), nil, "the node has it")
	node, peer := crdt.NewSet(log), crdt.NewSet(log)
	apply(node, a0, b0)
	apply(peer, a0, a1)

	theirs := peer.Digest()
	c := crdt.NewComparison(node.Digest())
	for probes := []crdt.Probe{{}}; len(probes) > 0; probes = c.Next(100) {
		for _, p := range probes {
			answer, heads := theirs.Answer(p)
			if !heads {
				c.Nodes([]crdt.Node{answer})
				continue
			}
			after, upto := p.Path.AuthorRange() // With few authors, all of the peer's heads are an answer.
			differ, _ := c.Heads(after, upto, peer.Frontier())
			fetch(node, peer, differ)
		}
	}
	show(node)
	for a := range c.Behind().All() {
		fmt.Println("the peer lacks something of", a.Short())
	}
	// Output:
	// 2df04125/0 the node has it
	// af06a3e3/0 both have it
	// af06a3e3/1 the peer has it
	// the peer lacks something of 2df04125
	// the peer lacks something of af06a3e3
}

// fetch has a node take what it lacks of the heads of a peer.
func fetch(node, peer *crdt.Set, heads crdt.Frontier) {
	wants, err := crdt.Wants(node, heads, 0)
	if err != nil {
		panic(err)
	}
	for _, want := range wants {
		segments, err := crdt.Plan(peer, want)
		if err != nil {
			panic(err)
		}
		for _, seg := range segments {
			for run := peer.Read(&seg, crdt.MaxBatch); len(run.Ops) > 0; run = peer.Read(&seg, crdt.MaxBatch) {
				apply(node, run.Ops...)
			}
		}
	}
}

// A proof shows one entry to somebody who has nothing but the author's key and the log's id.
func ExampleProveEntry() {
	log := crdt.Genesis{Random: [32]byte{1}}.Log()
	ann := key("a")
	op := write(log, ann, nil, "ann writes")
	set := crdt.NewSet(log)
	apply(set, op)

	proof, err := crdt.ProveEntry(set, op, 0)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		panic(err)
	}

	// Elsewhere, without the log:
	var received crdt.EntryProof
	if err := json.Unmarshal(text, &received); err != nil {
		panic(err)
	}
	entry, err := received.Verify()
	fmt.Println(entry.Subject, err)
	fmt.Println("by ann:", entry.Author == crdt.AuthorOf(ann), "in the log:", received.Log == log)
	// Output:
	// ann writes <nil>
	// by ann: true in the log: true
}

// What AppendJSON writes, ParseEventJSON reads, and the payload's bytes survive.
func ExampleEvent_AppendJSON() {
	e := crdt.Event{Kind: "reading", Subject: "meter <7>", Time: noon, Payload: []byte(`{"kWh":1e400}`)}
	line := e.AppendJSON(nil)
	fmt.Printf("%s\n", line)

	back, err := crdt.ParseEventJSON(line)
	fmt.Printf("%s %v\n", back.Payload, err)

	_, err = crdt.ParseEventJSON([]byte(`{"kind":"reading","sujbect":"meter 7"}`))
	fmt.Println(err)
	// Output:
	// {"time":"2024-05-01T12:00:00.000000000Z","kind":"reading","subject":"meter <7>","payload":{"kWh":1e400},"retention":"persistent"}
	// {"kWh":1e400} <nil>
	// invalid event: unknown field "sujbect": did you mean "subject"? (the fields are author, seq, op, disputed, clock, gone, offset, time, kind, module, subject, contentType, headers, payload, payloadBase64, retention)
}
