package api

import (
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Status is who a node is and what it holds.
type Status struct {
	// Running says whether a daemon answers; without one the log was opened for this call alone, and
	// the fields about the network are empty.
	Running bool        `json:"running"`
	Author  crdt.Author `json:"author"`
	Name    string      `json:"name,omitempty"` // what people call the node
	Log     crdt.LogID  `json:"log"`
	// Genesis is the hex form of what the log began with, which init --genesis reads; empty while the
	// node has not learned it.
	Genesis string `json:"genesis,omitempty"`

	Listen string `json:"listen,omitempty"` // HOST:PORT at which other nodes reach it
	Socket string `json:"socket,omitempty"` // the path of its socket
	// HTTP is where the node is asked over the network; empty for nowhere.
	HTTP    string    `json:"http,omitempty"`
	PID     int       `json:"pid,omitempty"`    // the number of its process
	Started time.Time `json:"started,omitzero"` // when the daemon was started
	Version string    `json:"version"`          // of the program

	// Hash is the root of the frontier's digest.
	Hash    crdt.Hash `json:"hash"`
	Authors int       `json:"authors"` // how many feeds the log holds something of
	Ops     uint64    `json:"ops"`     // how many ops
	Entries uint64    `json:"entries"` // how many entries
	// Next is the offset that the next entry gets.
	Next uint64 `json:"next"`
	// Cursor is the text form of the cursor behind all that is there: a query's After goes on with what
	// comes next.
	Cursor string `json:"cursor"`
	// Bytes is the size of the log's file, Free how many of them are free for what comes.
	Bytes int64 `json:"bytes"`
	Free  int64 `json:"free"`
	// Limits is what others may take up here, and what they do.
	Limits Limits `json:"limits"`
	// Index says how far the index of subjects and kinds is.
	Index Index `json:"index"`
	// Trimmed is how many entries are here without their bodies, Pruned how many were here and are no more.
	Trimmed uint64 `json:"trimmed,omitempty"`
	Pruned  uint64 `json:"pruned,omitempty"`
	// LastTrim is what the last trim of the daemon did; nil before there was one.
	LastTrim *LastTrim `json:"lastTrim,omitempty"`
	// Writable says whether entries can be appended; Reason says why not.
	Writable bool   `json:"writable"`
	Reason   string `json:"reason,omitempty"`

	// Forked is how many authors contradict themselves. Ahead is how many have a clock that is more than
	// a minute ahead of this node's. Shut are those of whom no more is taken here, with the reason.
	Forked int `json:"forked"`
	Ahead  int `json:"ahead"`
	// AheadFeeds are the first of those that are ahead, at most 32.
	AheadFeeds []Ahead                `json:"aheadFeeds,omitempty"`
	Shut       map[crdt.Author]string `json:"shut,omitempty"` // by author, why
	// Counts are the node's counters since its start, by name.
	Counts map[string]uint64 `json:"counts,omitempty"`

	// Members is how many other members are alive, Linked how many of them this node has a link to.
	Members int `json:"members"`
	Linked  int `json:"linked"`
	// Alone says that no other node is known or looked for: there is nobody to catch up with.
	Alone bool `json:"alone,omitempty"`
	// CaughtUp is when the node, since its start, first held all that the members it reached had held. It is
	// there only while that is so: not while something is lacking, a condition holds, or no member is linked.
	CaughtUp time.Time `json:"caughtUp,omitzero"`
	// Behind is how far it is behind the members together; nil without a daemon.
	Behind *Behind `json:"behind,omitempty"`
	// Unreplicated is what of the node's own feed no other is known to hold; nil without a daemon, and for a node
	// that is Alone.
	Unreplicated *Unreplicated `json:"unreplicated,omitempty"`
	// Conditions are what keeps the node from having, taking or writing what it could; none when all is well.
	Conditions []Condition `json:"conditions"`
	// Unready is why the node is not ready, caught up or well, each with the least [Demand] that it fails: the conditions, and
	// "stopping", "behind" and "unlinked", which pass. None without a daemon.
	Unready []Condition `json:"unready,omitempty"`
	// Recovering says more of that condition; nil where the node knows the end of its own feed.
	Recovering *Recovery `json:"recovering,omitempty"`
	// Starved are the authors of whom members have more, without bodies that this node keeps.
	Starved []Starved `json:"starved,omitempty"`
	// Seeds is where this node looks for others: what it was told first, then what it found.
	Seeds []Seed `json:"seeds,omitempty"`
}

// Condition is something that keeps a node from having, taking or writing what it could.
type Condition struct {
	// Condition is "stuck" (no room on the disk), "starved" (others have more, without bodies that are kept
	// here), "shut" (no more is taken of an author), "second writer", "read-only", "damaged", "recovering"
	// (the end of the node's own feed may not be known) or "clock" (the wall clock disagrees with those of most
	// members).
	// There may be others.
	Condition string    `json:"condition"`
	Since     time.Time `json:"since,omitzero"` // when it was met first, where that is known
	Why       string    `json:"why"`            // what it is about, in words
	// Fails is the least demand that the node does not meet meanwhile.
	Fails Demand `json:"fails"`
}

// Limits is what others may take up at a node, each 0 where nothing bounds it.
type Limits struct {
	// Authors is how many feeds are kept at most.
	Authors int `json:"authors"`
	// Others is about how many bytes of the file the feeds of others take, Quota how many they may, and Author
	// how many those of one author may.
	Others uint64 `json:"others"`
	Quota  uint64 `json:"quota,omitempty"`
	Author uint64 `json:"author,omitempty"`
}

// Starved is an author whose feed goes on elsewhere without bodies that this node's policy keeps.
type Starved struct {
	Author crdt.Author `json:"author"`
	Peer   crdt.Author `json:"peer"`  // who sent it last without them
	Since  time.Time   `json:"since"` // when that was met first
	Error  string      `json:"error"` // which op it is, and what this node keeps
}

// Behind is what a node is known to lack.
type Behind struct {
	// Entries of Authors are lacking that others have lately brought more of, or that cannot be taken here;
	// AtLeast says that there are more, nobody knows how many. Claimed authors are those of whom others only
	// say to have more.
	Entries uint64 `json:"entries"`
	AtLeast bool   `json:"atLeast,omitempty"`
	Authors int    `json:"authors"`
	Claimed int    `json:"claimed,omitempty"`
	// Since is when the first of it was seen to be lacking.
	Since time.Time `json:"since,omitzero"`
	// PerSecond is how many entries of it came lately each second, Left an estimate of the seconds that
	// the rest takes; 0 when nothing can be said.
	PerSecond float64 `json:"perSecond,omitempty"`
	Left      float64 `json:"leftSeconds,omitempty"`
}

// Seed is a place where a node looks for others.
type Seed struct {
	// Addr is HOST:PORT, or a name that leads to addresses, as it was given.
	Addr string `json:"addr"`
	// Source is where it comes from: "configured", "dns", "mdns" or "remembered"; From is the name that
	// led there, where one did.
	Source string `json:"source"`
	From   string `json:"from,omitempty"`
	// Joined says whether a member is there, for a name: at one of the addresses that it leads to.
	Joined bool `json:"joined"`
	// Author is who answered there last, or is said to be there; left out if nobody is known.
	Author crdt.Author `json:"author,omitzero"`
	// Error is why the last try came to nothing; empty if it did not, or if there was none.
	Error string `json:"error,omitempty"`
}

// Member is a node as another one sees it.
type Member struct {
	Author crdt.Author `json:"author"`
	Name   string      `json:"name"` // what it calls itself; it may be anything
	Addr   string      `json:"addr"` // HOST:PORT at which it is reached
	// Source says how this node came by the member: "configured", "dns", "mdns" or "remembered" if it was
	// joined at such an address, else "members": others told of it, or it came by itself.
	Source string `json:"source,omitempty"`
	// State is "self", "alive", "suspect", "dead", "left", or "guest" for one that is linked and no member.
	State string `json:"state"`
	// Linked says whether ops can flow.
	Linked bool `json:"linked"`
	// Behind is how many entries the node knows the member to hold that it does not hold itself; nil where
	// that is not known: of the node itself, and where the two have not compared lately.
	Behind *uint64 `json:"behind"`
	// Lacks is how many entries the node held that the member lacked, when the two last compared.
	Lacks *uint64 `json:"lacks"`
	// Conditions are what the member says keeps it from having, taking or writing what it could.
	Conditions []string `json:"conditions,omitempty"`
	// Version is what the member says its program is, while it is linked; left out where it has not said.
	Version string `json:"version,omitempty"`
	// Page is where the member says that it is asked over HTTP, and so has a page for people: a URL, by its word alone.
	Page string `json:"page,omitempty"`
	// BehindSince is since when something of it is lacking.
	BehindSince time.Time `json:"behindSince,omitzero"`
	// ClockOff is by how many seconds its clock is ahead of the node's, negative when it is behind; nil where
	// that was not measured in the last minute.
	ClockOff *float64 `json:"clockOffSeconds,omitempty"`
	// Unreplicated is that of the status, of the node itself alone.
	Unreplicated *Unreplicated `json:"unreplicated,omitempty"`
	// EqualAt is when the two were last seen to hold the same.
	EqualAt time.Time `json:"equalAt,omitzero"`
	// Eager says that new entries go to it at once; otherwise it is told that there are some.
	Eager bool `json:"eager,omitempty"`
	// RTT is the round trip of the last answered probe, in seconds; 0 when none was.
	RTT float64 `json:"rttSeconds,omitempty"`
}

// Frontier is exactly what a node holds.
type Frontier struct {
	// Hash is the root of the digest: equal on two nodes exactly when their heads are.
	Hash    crdt.Hash `json:"hash"`
	Authors []Feed    `json:"authors"` // the feeds, by author
}

// FrontierHash is the hash of a frontier without the rest of it.
type FrontierHash struct {
	// Hash is that of [Frontier].
	Hash crdt.Hash `json:"hash"`
}

// Feed is the heads of one author.
type Feed struct {
	Author crdt.Author `json:"author"`
	// Name is what the author's node calls itself, as far as the node knows; it may be anything.
	Name  string `json:"name,omitempty"`
	Heads []Head `json:"heads"` // the ends of its branches; one, unless the author contradicts itself
}

// Head is the end of a branch.
type Head struct {
	Next uint64    `json:"next"` // the seq of the entry that would come next
	Op   crdt.OpID `json:"op"`
}

// Report is what a walk over the whole log found.
type Report struct {
	// OK says that everything checks out: there are no problems.
	OK      bool   `json:"ok"`
	Authors uint64 `json:"authors"` // how many feeds were walked
	Ops     uint64 `json:"ops"`     // how many ops
	Entries uint64 `json:"entries"` // how many entries
	// Offences counts ops whose own signature does not verify although a later op of their author
	// vouches for them: their author's offence, not damage.
	Offences uint64 `json:"offences"`
	// Holes are what is held of feeds and cannot be read, damaged or missing: the first thousand.
	Holes []Hole `json:"holes,omitempty"`
	// Problems lists what is wrong; More counts those past the first thousand.
	Problems []string `json:"problems,omitempty"`
	More     uint64   `json:"more,omitempty"`
	// Notes say what the check does not cover, of a log that is only read.
	Notes []string `json:"notes,omitempty"`
}

// Hole is a stretch of a feed that cannot be read.
type Hole struct {
	From    crdt.Place `json:"from"`
	Entries uint64     `json:"entries"` // how many, from there on
}

// String names its places: AUTHOR/SEQ, or AUTHOR/SEQ to SEQ.
func (h Hole) String() string {
	if h.Entries == 1 {
		return h.From.String()
	}
	return fmt.Sprintf("%s to %d", h.From, h.From.Seq+h.Entries-1)
}
