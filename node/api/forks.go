package api

import (
	"encoding/json"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// ForkedFeed is the feed of an author who contradicts itself: who signed two ops after one.
type ForkedFeed struct {
	Author crdt.Author `json:"author"`
	// Name is what the author calls itself, where it is a member that the node knows of.
	Name string `json:"name,omitempty"`
	// Branches is how many ends the feed has.
	Branches int `json:"branches"`
	// First is the lowest seq of a disputed entry, Entries how many are disputed.
	First   uint64 `json:"first"`
	Entries uint64 `json:"entries"`
	// Since is the clock of the first op after the first fork, as a time.
	Since time.Time `json:"since"`
	// Shut is why the node takes no more of the author; empty while it does.
	Shut string `json:"shut,omitempty"`
	// Own says that it is the node's own feed. OwnEnd is then where its own writing ended; nil when it
	// wrote nothing.
	Own    bool  `json:"own,omitempty"`
	OwnEnd *Head `json:"ownEnd,omitempty"`
	// Forks says where the feed parts and what each branch holds; a list of such feeds leaves it out.
	Forks []Fork `json:"forks,omitempty"`
}

// Fork is where a feed parts.
type Fork struct {
	// Prev is the op that the branches name: the end of what they have in common. It is nil where they
	// begin the feed, and where they parted below what the node holds, which Below says.
	Prev     *Head        `json:"prev,omitempty"`
	Below    bool         `json:"below,omitempty"`
	Branches []ForkBranch `json:"branches"` // the chains that part here, two or more
	// Proved says that the node has verified a proof of the fork; Proof is it, unless it is very long.
	Proved bool       `json:"proved"`
	Proof  *ForkProof `json:"proof,omitempty"`
}

// ForkProof shows that one author signed two ops after the same one. Each side is a chain of headers
// with their signatures, from the op that names the common one up to one whose own signature covers
// it. It is verified with [crdt.ForkProof.Verify].
type ForkProof struct {
	A [][]byte `json:"a"` // the one side: headers with their signatures
	B [][]byte `json:"b"` // the other
}

// ForkBranch is a chain from a fork to its head, or to where it parts again.
type ForkBranch struct {
	// First is the header of its first op, Last its end.
	First Header `json:"first"`
	Last  Head   `json:"last"`
	// Parts says that another fork comes after Last.
	Parts bool `json:"parts,omitempty"`
	// Own says that the node's own writing ended on it.
	Own bool `json:"own,omitempty"`
	// Ops and Entries are what it holds, From and Until the clocks of its first and last op as times.
	Ops     uint64    `json:"ops"`
	Entries uint64    `json:"entries"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	// Begin and End are its first and last entries, at most three of each, in the JSON form of entries.
	// No entry is in both; one whose body is not held is left out.
	Begin []json.RawMessage `json:"begin"`
	End   []json.RawMessage `json:"end,omitempty"`
}

// Header is the signed part of an op.
type Header struct {
	Op    crdt.OpID  `json:"op"`
	First uint64     `json:"first"` // the seq of its first entry
	Count uint64     `json:"count"` // how many entries it has
	Prev  crdt.OpID  `json:"prev"`
	Root  crdt.Hash  `json:"root"`
	Clock crdt.Clock `json:"clock"`
	Floor uint64     `json:"floor,omitempty"` // the seq below which its author gives leave to forget the feed; 0 for none
	// Signed is the header and its signature as the author made them.
	Signed []byte `json:"signed"`
}
