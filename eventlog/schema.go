package eventlog

import "github.com/quipulog/quipu/eventlog/internal/schema"

// What the file is made of, see package schema.
const (
	fileName      = schema.FileName
	formatVersion = schema.FormatVersion
)

var (
	bucketMeta      = schema.Meta
	bucketOps       = schema.Ops
	bucketFeeds     = schema.Feeds
	bucketFollowers = schema.Followers
	bucketState     = schema.State
	bucketTimes     = schema.Times
	bucketParked    = schema.Parked
	bucketIndex     = schema.Index

	metaFormat       = schema.Format
	metaLog          = schema.Log
	metaGenesis      = schema.Genesis
	metaAuthor       = schema.Author
	metaFormerly     = schema.Formerly
	metaIncarnation  = schema.Incarnation
	metaIncarnations = schema.Incarnations
	metaIdentity     = schema.Identity
	metaSweep        = schema.Sweep
	metaHoles        = schema.Holes
)
