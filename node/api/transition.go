package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Transition is an entry of the transition log: a subject moved from one stage to another.
type Transition struct {
	Place   crdt.Place `json:"place"`
	Op      crdt.OpID  `json:"op"`
	Clock   crdt.Clock `json:"clock"`
	Time    time.Time  `json:"time"`              // when it happened, by its writer's word
	Subject string     `json:"subject"`           // what has moved
	From    string     `json:"from"`              // the stage it moved from
	To      string     `json:"to"`                // the stage it moved to
	Trigger string     `json:"trigger,omitempty"` // what made it move
	Module  string     `json:"module,omitempty"`  // which part or instance of a program says so
	// Headers are the texts beside it.
	Headers map[string]string `json:"headers,omitempty"`
	// After is the transition of the subject that the writer had last seen; nil for the first.
	After *After `json:"after,omitempty"`
	// Notes say what is odd about it: that it is concurrent with another, that what it comes after is not
	// here or was pruned, that its subject was in another stage than From says, or why it cannot be read.
	Notes []string `json:"notes,omitempty"`
}

// After names a transition by its place and op.
type After struct {
	Author crdt.Author `json:"author"`
	Seq    uint64      `json:"seq"` // its number among the entries of its author
	Op     crdt.OpID   `json:"op"`
}

// State is the stage of a subject.
type State struct {
	Subject string `json:"subject"` // what moves
	Stage   string `json:"stage"`   // the stage that it is in
	// Place and Time are those of the transition that led there.
	Place crdt.Place `json:"place"`
	Time  time.Time  `json:"time"`
	// Moves is how many transitions the subject has.
	Moves int `json:"moves"`
	// Pruned says that transitions of the subject were pruned, which Moves does not count.
	Pruned bool `json:"pruned,omitempty"`
	// Concurrent is how many of them are concurrent with another.
	Concurrent int `json:"concurrent,omitempty"`
	// Contested are the transitions that may each have the last word on the subject, where they moved it
	// to different stages and nobody has moved it on in knowledge of the last of them.
	Contested []Candidate `json:"contested,omitempty"`
}

// Candidate is a transition that may have the last word, and the stage that it moved its subject to.
type Candidate struct {
	Place crdt.Place `json:"place"`
	Stage string     `json:"stage"` // the stage that it moved its subject to
}
