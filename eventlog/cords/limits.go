package cords

import "time"

const (
	// maxRecord bounds what is kept of an author, in bytes, and maxWhole what is kept of the log as a whole.
	maxRecord = 1 << 10
	maxWhole  = 16 << 10
	// ownKinds is how many kinds the record of an author tells apart, and wholeKinds that of the whole log; of others it has
	// their sum. newKinds bounds those of them that nobody had used before, so that nobody takes up the room of all, and
	// maxKinds those of the log.
	ownKinds   = 24
	wholeKinds = 64
	newKinds   = 16
	maxKinds   = 4096
	// stepLeast is how many entries are gathered before the projection is written; what is not yet in it readers read.
	// stepMost bounds the entries of one step, and stepAuthors whose they are: their records are written at once.
	stepLeast   = 1 << 10
	stepMost    = 1 << 15
	stepAuthors = 1 << 10
	// readAhead bounds the entries that [Projection.Read] reads behind what the projection has reached, and readInto those
	// that it reads to split cells.
	readAhead = 1 << 16
	readInto  = 1 << 17
	// MaxCords bounds the cords of a [Picture], and how many authors a [Window] names. MaxWidth bounds its columns, MaxKinds
	// the kinds that a window names, and toldKinds those that a picture tells apart of itself.
	MaxCords  = 200
	MaxWidth  = 4096
	MaxKinds  = 64
	toldKinds = 12
	// defaultWidth is how many columns a picture has at most unless it is told.
	defaultWidth = 1024
	// nearFuture is how far ahead of the wall clock a time may be that is not far outside.
	nearFuture = 24 * time.Hour
	// maxCells bounds the cells of a picture.
	maxCells = 20_000
)
