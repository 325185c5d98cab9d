package eventlog

import "time"

// The bounds of the log on disk and of one transaction. Those of the format are in [crdt].
const (
	// opTarget is about how many bytes an op grows to under load. Measured: values of 4 to 16 KB are
	// what bbolt stores fastest, and at 45 entries an op a signature costs a third of a microsecond
	// an entry.
	opTarget = 15 << 10
	// maxGroup bounds the bytes that plain appends put into one transaction; more waits for the next.
	maxGroup = 4 << 20
	// maxApply bounds the bytes of peers' ops that are stored between two commits of appends.
	maxApply = 4 << 20
	// branchesAHead bounds the branches of one feed that are kept, those that end below its floor
	// included, in multiples of Config.MaxBranches.
	branchesAHead = 4
	// gatherYields is how often the leader yields without the queue growing before it commits.
	gatherYields = 8
	// mapSize is how much of the address space is reserved for the file on 64-bit Unix, so that it
	// need not be mapped anew as it grows, which waits for every reader.
	mapSize = 64 << 30
	// lockWait is how long opening waits for another process's lock. bbolt tries once at least.
	lockWait = time.Millisecond
	// maxTreeDepth bounds the pages on the way from the root of a bucket to a leaf. At two keys a page
	// it holds 2^40 pages, more than a file can have; deeper is a circle.
	maxTreeDepth = 40
	// maxName bounds the name of a follower or of its state, in bytes.
	maxName = 255
)
