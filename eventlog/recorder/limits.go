package recorder

// The bounds of a recorder that are no matter of its configuration.
const (
	// maxName bounds the name of a recorder, in bytes. It becomes part of file names.
	maxName = 64
	// maxFlush bounds the events of one transaction.
	maxFlush = 1024
	// maxUnsynced bounds the events in the spill that no sync has covered yet: the Record that makes it
	// so many waits for one.
	maxUnsynced = 1024
	// maxDropped bounds the events that are dropped while no gap about them could be appended yet. Past
	// it Record returns [ErrFull], so that what a crash may lose has a bound.
	maxDropped = 1 << 20
	// maxRecord bounds a record of the spill, in bytes: the JSON form of the largest event, whose
	// payload of 1 MiB is a third larger in base64.
	maxRecord = 2 << 20
	// maxSeen bounds the kinds that are remembered to name the nearest one in a warning.
	maxSeen = 1024
	// spillSegments is how many files a full spill has. A file goes once all of it is in the log.
	spillSegments = 8
	// itemOverhead is about how many bytes an event of the buffer takes beside its own memory: its number,
	// and its share of the spare room of a list that grows.
	itemOverhead = 256
)
