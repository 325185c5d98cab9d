package wire

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
)

// Kind is the number of a message's kind.
type Kind uint8

// The kinds of messages. 0 is none.
const (
	KindHello Kind = 1 + iota
	KindShut
	KindOffer
	KindSame
	KindProbe
	KindNodes
	KindVector
	KindMissing
	KindSpans
	KindOps
	KindDone
	KindIHave
	KindGraft
	KindDetach
	KindBye
	// KindPacked is the kind of a frame that holds another frame's body, compressed. It is no
	// message: [ReadFrame] takes it off and [Packer] puts it on.
	KindPacked
	KindTransient
	KindConditions
	KindTime
	KindWho
	KindMembers
	KindKeeps
	KindAwait
	KindProgram
	KindPage
)

// String returns the kind as a word.
func (k Kind) String() string {
	return enum.Text(k, "kind", "", "hello", "shut", "offer", "same", "probe", "nodes", "vector", "missing",
		"spans", "ops", "done", "ihave", "graft", "detach", "bye", "packed", "transient", "conditions", "time", "who", "members", "keeps", "await", "program", "page")
}

// Message is one of the types below.
type Message interface {
	// Kind returns the number that stands in the frame.
	Kind() Kind
	// appendBody appends the body to dst.
	appendBody(dst []byte) []byte
}

// Features is a set of what a node can do beyond the protocol's version. A link uses what both of
// its ends have named. Bits that are not known here are kept and mean nothing.
type Features uint32

// Instance is drawn at random by each process that takes part: it tells two processes with one key
// apart, and two streams to one process from streams to two.
type Instance [16]byte

// FeatureZstd says that the sender reads packed frames.
const FeatureZstd Features = 1 << 0

// FeatureTransient says that the sender takes transient events.
const FeatureTransient Features = 1 << 1

// FeatureConditions says that the sender tells its conditions, and takes those of others.
const FeatureConditions Features = 1 << 2

// FeatureTime says that the sender says what time it is when it answers an offer, and takes that of others.
const FeatureTime Features = 1 << 3

// FeatureWho says that the sender answers who it has heard of, and may ask that of others.
const FeatureWho Features = 1 << 4

// FeatureReceipts says that the sender says what it keeps, and tells the reader when it holds what the reader awaits.
const FeatureReceipts Features = 1 << 5

// FeatureProgram says that the sender takes what others say of their programs.
const FeatureProgram Features = 1 << 6

// FeaturePage says that the sender says where it is asked over HTTP, and takes that of others.
const FeaturePage Features = 1 << 7

// Hello is the first message in each direction. Who sends it, TLS has said already.
type Hello struct {
	Version  uint16 // of the protocol; all that follows is read only if it is ours
	Features Features
	Instance Instance // of the sender's process
	Log      crdt.LogID
	Genesis  []byte      // encoded; empty while the sender does not know it
	Name     string      // what people call the sender; it may be anything
	Held     []crdt.Head // what the sender holds of the reader's own feed
}

// Shut names the authors of whom the sender takes no more, ascending. It replaces what an earlier
// one said.
type Shut struct {
	Authors []crdt.Author
}

// Offer begins a comparison: its sender, the asker, wants to know what the reader has that differs.
// Both sides leave out the authors that either has shut.
type Offer struct {
	Round uint32 // numbers the sender's comparisons on this link
	Root  crdt.Hash
}

// Same answers an [Offer] with an equal root: there is nothing to tell.
type Same struct {
	Round uint32
}

// Probe asks for what lies under paths of the reader's digest.
type Probe struct {
	Round uint32
	// Probes has between 1 and [MaxProbes] of them, their paths ascending and none below another:
	// so no answer is longer than the whole frontier.
	Probes []crdt.Probe
}

// Nodes answers a [Probe] with nodes of the sender's digest, in any order.
type Nodes struct {
	Round uint32
	Nodes []crdt.Node // at most [MaxNodes]
	Last  bool        // ends the answer to one Offer or Probe
}

// Vector says what the sender holds of the authors above After, up to and including Upto. It answers
// an [Offer] or a [Probe].
type Vector struct {
	Round       uint32
	After, Upto crdt.Author
	Heads       crdt.Frontier
	Last        bool // ends the answer to one Offer or Probe
}

// Missing asks for what lies beyond the locators.
type Missing struct {
	Wants []Want // 1 to [MaxWants]
}

// Want is a want with the number that its answer carries.
type Want struct {
	Ask uint32 // not 0; chosen by the asker
	crdt.Want
}

// Spans asks for stretches of feeds.
type Spans struct {
	Wants []SpanWant // 1 to [MaxWants]
}

// SpanWant asks for one stretch.
type SpanWant struct {
	Ask uint32 // not 0; chosen by the asker
	crdt.Span
	MaxBytes uint32 // the answer stops at the first anchor at or after so many bytes of ops
}

// Ops carries a run.
type Ops struct {
	Author crdt.Author // of all its ops
	Ask    uint32      // what it answers; 0 when it is pushed
	Hops   uint16      // how many links the run has passed on its way here, this one left out
	Run    crdt.Run
	// Newer is set by [Parse] when the run went on with an op, or came with a leave, of a format version
	// that is not known here. Run holds what came before it, which may be nothing.
	Newer *crdt.VersionError
}

// Fits reports whether a frame holds the run.
func (m Ops) Fits() bool {
	const around = 2 << 10 // more than what stands beside the ops
	return len(m.Run.Ops) <= MaxRunOps && m.Run.Size()+4*len(m.Run.Ops)+around <= KindOps.MaxBody()
}

// Done ends the answer to one ask.
type Done struct {
	Ask      uint32
	Author   crdt.Author
	Complete bool   // false: there is more that the sender could not or would not send
	Next     uint64 // the seq after the last op that was sent for the ask; 0 when none was
}

// IHave says what the sender holds and could push.
type IHave struct {
	Haves []Have // 1 to [MaxHaves], ascending by author, one an author
}

// Have names the last op of a run that the sender holds.
type Have struct {
	Author crdt.Author
	Head   crdt.Head
	Hops   uint16 // what the run's Hops would be if the sender pushed it
}

// Graft asks the reader to push to the sender from now on, and for what the sender lacks.
type Graft struct {
	Wants []Want // at most [MaxWants]; may be empty
}

// Detach asks the reader to push no more to the sender, only to say what it has. It is the Prune of
// the Plumtree paper.
type Detach struct{}

// Transient carries a transient event. It is sent only when both hellos have named [FeatureTransient].
type Transient struct {
	// Hops is how many links the event has passed on its way here, this one left out: 0 from its author,
	// 1 from one of the author's peers. Nobody sends it further.
	Hops  uint8
	Event crdt.Broadcast
	// Newer is set by [Parse] when the event is of a format version that is not known here; there is no
	// Event then.
	Newer *crdt.VersionError
}

// Conditions says what keeps the sender from having, or taking, what it could. It replaces what an earlier
// one said; before the first there are none. It is sent only when both hellos have named
// [FeatureConditions].
type Conditions struct {
	List []Condition // at most [MaxConditions], strictly ascending
}

// Time says what time it is by the sender's wall clock, before anything else that answers the offer of a
// round. It is sent only when both hellos have named [FeatureTime].
type Time struct {
	Round  uint32
	Millis int64 // since 1970; at least 0 and below [MaxMillis]
}

// Who asks whom the reader has heard of. It is sent only when both hellos have named [FeatureWho].
type Who struct {
	Round uint32 // numbers the sender's questions on this link
}

// Members answers a [Who] with the members that the sender has heard of within [MaxAgo]. Neither of the two ends is
// among them; another process that has the reader's key is, as the reader.
type Members struct {
	Round uint32
	List  []Known // at most [MaxMembers], ascending by author, each once
}

// Known is a member that the sender has heard of.
type Known struct {
	Author crdt.Author
	Ago    uint32 // how long ago that was, in seconds, at most [MaxAgo]
	Name   string // what it calls itself; at most [MaxName] bytes
}

// Keeps says what the sender does not forget by its policy. It is sent only when both hellos have named
// [FeatureReceipts].
type Keeps struct {
	Bodies    bool   // it drops the body of no op
	Forgotten bool   // it keeps what its author has given leave to forget
	Age       uint64 // below this age no body is dropped, in milliseconds, and
	Entries   uint64 // none with fewer entries of its feed above it
}

// Await asks to be told, by an [IHave] of the sender's own feed, once the reader holds that up to the head. It is sent
// only when both hellos have named [FeatureReceipts].
type Await struct{ Head crdt.Head }

// Program says which program the sender is. It is sent only when both hellos have named [FeatureProgram].
type Program struct {
	Version string // it may be anything; at most [MaxProgram] bytes
}

// Page says where the sender is asked over HTTP, and so has a page for people. It is sent only when both hellos have named
// [FeaturePage].
type Page struct {
	URL string // at most [MaxText] bytes; a reader must not take it for more than what the sender says
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
	CodeEnough        // the sender has links enough without this one
)

// String returns the code as words.
func (c Code) String() string {
	return enum.Text(c, "code", "other", "leaving", "spare stream", "other version", "other log", "offence", "links enough")
}

// Kind implements [Message], as do the methods below.
func (Hello) Kind() Kind      { return KindHello }
func (Shut) Kind() Kind       { return KindShut }
func (Offer) Kind() Kind      { return KindOffer }
func (Same) Kind() Kind       { return KindSame }
func (Probe) Kind() Kind      { return KindProbe }
func (Nodes) Kind() Kind      { return KindNodes }
func (Vector) Kind() Kind     { return KindVector }
func (Missing) Kind() Kind    { return KindMissing }
func (Spans) Kind() Kind      { return KindSpans }
func (Ops) Kind() Kind        { return KindOps }
func (Done) Kind() Kind       { return KindDone }
func (IHave) Kind() Kind      { return KindIHave }
func (Graft) Kind() Kind      { return KindGraft }
func (Detach) Kind() Kind     { return KindDetach }
func (Bye) Kind() Kind        { return KindBye }
func (Transient) Kind() Kind  { return KindTransient }
func (Conditions) Kind() Kind { return KindConditions }
func (Time) Kind() Kind       { return KindTime }
func (Who) Kind() Kind        { return KindWho }
func (Members) Kind() Kind    { return KindMembers }
func (Keeps) Kind() Kind      { return KindKeeps }
func (Await) Kind() Kind      { return KindAwait }
func (Program) Kind() Kind    { return KindProgram }
func (Page) Kind() Kind       { return KindPage }
