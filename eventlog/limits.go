package eventlog

import (
	"time"

	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/query"
	"github.com/quipulog/quipu/eventlog/retention"
)

// The bounds of the log on disk and of one transaction. Those of the format are in [crdt].
const (
	// opTarget is about how many bytes of entries an op grows to under load; with its header it stays below
	// [crdt.MaxOp]. Measured against 15 KB with 256-byte payloads: batches and 1,024 writers take a fifth to a third
	// less processor time an entry, since a quarter is signed and put; readings are a quarter faster, the file 5 % smaller.
	opTarget = 60 << 10
	// maxGroup bounds the bytes that plain appends put into one transaction; more waits for the next.
	maxGroup = 4 << 20
	// maxAwaited is how many bytes a caller encodes, in a fraction of a millisecond, while a commit waits for it.
	maxAwaited = 128 << 10
	// markEvery is how old the mark beside the file grows before a commit leaves another: an older copy that is written
	// into the file after a crash is known for one if it is older than the mark. It costs a sync.
	markEvery = 10 * time.Second
	// maxLeftover bounds the memory for ops that one transaction leaves to the next, in bytes.
	maxLeftover = 1 << 20
	// maxApply bounds the bytes of peers' ops that are stored between two commits of appends.
	maxApply = 4 << 20
	// maxReadAhead is after how many bytes no more of the next batches is read while one is handled.
	maxReadAhead = 1 << 20
	// maxPage is after how many bytes of memory a page ends.
	maxPage = 4 << 20
	// maxParked bounds the entries that one follower has parked. A follower that parks so many has no
	// poison entries: something else is wrong.
	maxParked = 10_000
	// parkedChunk is how many parked entries one transaction reads.
	parkedChunk = 256
	// quietOffsets and quietTime say when the cursor of a follower is committed although nothing was handled, since
	// none of the entries was for it: that many offsets later, which are read again in some 50 ms should the process
	// end before, or that much time later. A commit for each would cost a sync that other writers wait for.
	quietOffsets = 1 << 16
	quietTime    = time.Second
	// maxName bounds the name of a follower or of its state, in bytes.
	maxName = 255

	// indexLeast is how many entries the index is behind before it goes on: reading them costs about a
	// millisecond, and layers that are smaller would be merged more often.
	indexLeast = 1 << 10
	// maxFound bounds the ops that a query takes from the index, and so its memory: 96 bytes each.
	maxFound = 64 << 10
	// leastFound and foundShare say when a scan is the better way: when more ops are found than the
	// greater of leastFound and one in foundShare of those in question. Measured: an op that is looked
	// for costs about ten times one that a scan comes by.
	leastFound = 1 << 10
	foundShare = 16
)

// What is asked for is said in the words of package query.
type (
	Query    = query.Query
	Order    = query.Order
	Disputed = query.Disputed
	Gone     = query.Gone
	Cursor   = query.Cursor
)

// What a [Query] may say.
const (
	ByAuthor = query.ByAuthor
	Causal   = query.Causal
	Arrival  = query.Arrival

	ShowDisputed = query.ShowDisputed
	HideDisputed = query.HideDisputed
	OnlyDisputed = query.OnlyDisputed

	SkipGone   = query.SkipGone
	ShowGone   = query.ShowGone
	StopAtGone = query.StopAtGone

	Now     = query.Now
	AnyKind = query.AnyKind
)

// ErrQuery is wrapped by every error that says why a [Query] makes no sense, ErrCursor by those for a text that is no
// [Cursor].
var (
	ErrQuery  = query.ErrQuery
	ErrCursor = query.ErrCursor
)

// What is forgotten, and who keeps it back, is said in the words of package retention.
type (
	TrimPolicy = retention.Policy
	Hold       = retention.Hold
	HeldBack   = retention.HeldBack
	Holder     = retention.Holder

	TrimOptions  = retention.Options
	TrimReport   = retention.Report
	Forgotten    = retention.Forgotten
	AheadFeed    = retention.AheadFeed
	KeptAhead    = retention.KeptAhead
	PruneRequest = retention.PruneRequest
	Pruned       = retention.Pruned
	TrimmedError = retention.TrimmedError
	GoneFrom     = retention.GoneFrom
)

// The defaults of a [TrimPolicy], and a MinCount that lets the last entry of a feed be trimmed too.
const (
	DefaultMinAge   = retention.DefaultMinAge
	DefaultMinCount = retention.DefaultMinCount
	DefaultMaxHold  = retention.DefaultMaxHold
	NoCount         = retention.NoCount
)

// What a follower takes, and what is kept of it, is said in the words of package follower.
type (
	FollowConfig   = follower.Config
	OnError        = follower.OnError
	HandlerError   = follower.HandlerError
	Failure        = follower.Failure
	FollowerStatus = follower.Status
	ParkedEntry    = follower.ParkedEntry
)

// What follows an error of a follower's handler.
const (
	StopOnError  = follower.StopOnError
	RetryOnError = follower.RetryOnError
)
