package eventlog

// The file quipu.db, every bucket of it. Integers are big-endian, so that keys sort as numbers do. Package
// record reads and writes the keys and values of ops, feeds, arrivals and times.
//
//	meta
//	  "format"        → 1 byte: formatVersion
//	  "log"           → 16 bytes: the log's id
//	  "genesis"       → the genesis; absent until it is known
//	  "author"        → 32 bytes: who writes here
//	  "formerly"      → 32 bytes each, the last first: who wrote here before; absent if nobody
//	  "incarnation"   → 16 random bytes: the first name of the arrivals
//	  "incarnations"  → all their names, see internal/incarnation/names.go; absent while the first is
//	                    the only one
//	  "second writer" → header and signature of an op of our own that contradicts ours; absent else
//	  "why"           → why the end of our feed may not be known, see internal/record/recovering.go; absent
//	                    else, and once the feed was taken up
//	  "recovering"    → header and signature of an op of our own that came back beyond our head, where that is why
//	  "own end"       → next (8) ‖ id (32): the head of our feed before a second writer, or before its end
//	                    was not known for a hard reason; absent if it was empty
//	  "identity"      → what the file is on its file system, see internal/identity; renewed by a compaction, and
//	                    when the end of our feed is known again
//	  "told"          → 1 byte: others may hold what was written here; absent before that
//	  "sweep"         → number (8) of the last transaction that forgot something; absent before one has
//	ops
//	  author (32)     → a bucket for each author:
//	    first (8) ‖ op id (32) → offset of its first entry (8) ‖ sum (4) ‖ op; of one that was trimmed here
//	                             offset (8) ‖ sum (4) ‖ header and signature ‖ 0xc1 ‖ number of the sweep (8)
//	feeds
//	  author (32)     → a feed record, see internal/record/feed.go
//	arrivals
//	  offset (8)      → author (32) ‖ first (8) ‖ op id (32) ‖ count (8); none where an op was pruned
//	times
//	  offset (8)      → when it was given to an entry (8) ‖ when the last one before it was (8), in
//	                    milliseconds since 1970
//	followers
//	  name            → cursor (8): an offset ‖ record, see followerrecord.go; none if only SetCursor wrote it
//	state
//	  name            → a bucket for each name, with keys of its owner's own
//	parked
//	  name            → a bucket for each follower that has parked entries:
//	    offset (8)     → what is kept of the entry, see parked.go
//	index
//	  "layers"        → which stretches of offsets are indexed, see internal/postings/layer.go
//	  level (1) ‖ from (8) ‖ term (6) ‖ offset (8) → a block of postings, see internal/postings/block.go
//
// A feed's record and an op's arrival are written in the transaction that writes the op, so that whatever a crash
// leaves is whole. The trees of ops and arrivals only grow at their right edge, unless a feed forks; so they
// have two keys behind all others, which fill the pages before them: see internal/disk/growing.go.
const (
	fileName      = "quipu.db"
	formatVersion = 2
)

var (
	bucketMeta      = []byte("meta")
	bucketOps       = []byte("ops")
	bucketFeeds     = []byte("feeds")
	bucketArrivals  = []byte("arrivals")
	bucketFollowers = []byte("followers")
	bucketState     = []byte("state")
	bucketTimes     = []byte("times")
	bucketParked    = []byte("parked")
	bucketIndex     = []byte("index")
	otherBuckets    = [][]byte{bucketMeta, bucketOps, bucketFeeds, bucketFollowers, bucketState, bucketTimes, bucketParked, bucketIndex}

	metaFormat       = []byte("format")
	metaLog          = []byte("log")
	metaGenesis      = []byte("genesis")
	metaAuthor       = []byte("author")
	metaFormerly     = []byte("formerly")
	metaIncarnation  = []byte("incarnation")
	metaIncarnations = []byte("incarnations")
	metaIdentity     = []byte("identity")
	metaSweep        = []byte("sweep")
)
