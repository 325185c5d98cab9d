package crdt

import "time"

// The bounds of the format. Decoding enforces every one of them, so that bytes from a stranger cost
// no more than these numbers say. Changing one changes which logs are valid.
const (
	// Version is the format version of ops, genesis and the signing contexts.
	Version = 1

	// MaxKind, MaxModule, MaxContentType and MaxSubject bound the text fields of an event, in bytes.
	MaxKind        = 255
	MaxModule      = 255
	MaxContentType = 255
	MaxSubject     = 1 << 10
	// MaxHeaders bounds the names and values of an event's headers together, in bytes.
	MaxHeaders = 4 << 10
	// MaxPayload bounds the payload of an event, in bytes.
	MaxPayload = 1 << 20

	// MaxOpEntries bounds the entries of one op.
	MaxOpEntries = 4096
	// MaxOp bounds an op of two or more entries, in bytes.
	MaxOp = 64 << 10
	// MaxSingleOp bounds an op of one entry, in bytes: the payload and 16 KiB for all the rest.
	MaxSingleOp = MaxPayload + 16<<10
	// MaxBroadcast bounds a transient event with all that goes with it, in bytes, as an op of one entry.
	MaxBroadcast = MaxSingleOp
	// MaxSeq is the first number that is no sequence number: first + count stays below it, so that
	// every seq survives a trip through a JSON number.
	MaxSeq = 1 << 53
	// MaxClock is the first number that is no clock.
	MaxClock = 1 << 63
	// MaxBatch bounds the ops that one message or one transaction carries, in bytes.
	MaxBatch = 16 << 20

	// MaxAnchorSearch bounds the signature checks spent on finding the last anchor of a run.
	MaxAnchorSearch = 64
	// MaxLocator bounds the items of a locator.
	MaxLocator = 64
	// MaxPending bounds the ops that a [Set] keeps until what they name arrives.
	MaxPending = 4096
	// MaxAdmins bounds the root admin keys of a genesis.
	MaxAdmins = 64
	// MaxProof bounds the JSON form of an entry proof, in bytes: in the worst case it holds the headers
	// of a whole batch in base64.
	MaxProof = 2 * MaxBatch

	// MaxAhead is how far a clock may run ahead of the wall clock here and still move ours.
	MaxAhead = time.Minute
	// MaxBroadcastAge is how old a transient event may be by its clock and still be told to anybody.
	MaxBroadcastAge = time.Minute
)

// DefaultMaxBranches is how many branches of one feed a node keeps unless told otherwise. It is
// local policy, not law: see [Feed].
const DefaultMaxBranches = 64
