package wire

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Kind is the number of a message's kind.
type Kind uint8

// The kinds of messages. 0 is none.
const (
	KindHello Kind = 1 + iota
	KindShut
	KindOffer
	KindVector
	KindMissing
	KindOps
	KindDone
	KindBye
)

// String returns the kind as a word.
func (k Kind) String() string {
	names := [...]string{"", "hello", "shut", "offer", "vector", "missing", "ops", "done", "bye"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return names[k]
}

// Message is one of the types below.
type Message interface {
	// Kind returns the number that stands in the frame.
	Kind() Kind
	// appendBody appends the body to dst.
	appendBody(dst []byte) []byte
}

// Hello is the first message in each direction. Who sends it, TLS has said already.
type Hello struct {
	Version uint16 // of the protocol; all that follows is read only if it is ours
	Log     crdt.LogID
	Genesis []byte      // encoded; empty while the sender does not know it
	Name    string      // what people call the sender; it may be anything
	Held    []crdt.Head // what the sender holds of the reader's own feed
}

// Shut names the authors of whom the sender takes no more, ascending. It replaces what an earlier
// one said.
type Shut struct {
	Authors []crdt.Author
}

// Offer asks whether the two frontiers, less the authors that either side has shut, are equal.
type Offer struct {
	Root crdt.Hash
}

// Vector says what the sender holds of the authors above After, up to and including Upto. In a
// partial one, authors may be left out: it answers another vector with what that one lacks, and is
// not answered itself.
type Vector struct {
	After, Upto crdt.Author
	Partial     bool
	Heads       crdt.Frontier
}

// Missing asks for what lies beyond the locators.
type Missing struct {
	Wants []crdt.Want
}

// Ops carries a run.
type Ops struct {
	Author crdt.Author // of all its ops
	Answer bool        // sent because it was missing; otherwise its author pushes it
	Run    crdt.Run
	// Newer is set by [Parse] when the run went on with an op of a format version that is not known
	// here. Run holds what came before it, which may be nothing.
	Newer *crdt.VersionError
}

// Done ends the answer to the want for one author.
type Done struct {
	Author   crdt.Author
	Complete bool // false: the sender could not send all that it offered
}

// Bye says why the sender closes the stream.
type Bye struct {
	Code Code
	Text string // for people; may be empty
}

// Code says why a stream is closed.
type Code uint8

// The reasons to close a stream. A reader treats a code it does not know like CodeOther.
const (
	CodeOther    Code = iota
	CodeLeaving       // the sender shuts down
	CodeSpare         // there is another stream between the two
	CodeVersion       // the reader speaks another version
	CodeOtherLog      // the reader holds another log
	CodeOffence       // the reader sent what it may not send
)

// String returns the code as words.
func (c Code) String() string {
	names := [...]string{"other", "leaving", "spare stream", "other version", "other log", "offence"}
	if int(c) >= len(names) {
		return fmt.Sprintf("code(%d)", uint8(c))
	}
	return names[c]
}

// Kind implements [Message], as do the methods below.
func (Hello) Kind() Kind   { return KindHello }
func (Shut) Kind() Kind    { return KindShut }
func (Offer) Kind() Kind   { return KindOffer }
func (Vector) Kind() Kind  { return KindVector }
func (Missing) Kind() Kind { return KindMissing }
func (Ops) Kind() Kind     { return KindOps }
func (Done) Kind() Kind    { return KindDone }
func (Bye) Kind() Kind     { return KindBye }
