// Package ownend is what a log's file says of the end of the log's own feed: in meta, why that may not be known, or why
// nothing is written behind it; in the ops, where the feed ends that can be read, and what stands behind that.
//
// [Read] reads the part of meta, [Begin], [Fork], [Tell] and [Forget] change it; [Authors] are who has written. [Head] is
// where the feed ends by its record, [Last] looks for the end, [Cut] and [Readable] leave out what stands behind it,
// [Restore] and [GiveUp] mend that. All of them work in one transaction of package disk, whose damage stands in the
// transaction's own error. The package does not say what follows: see package eventlog.
package ownend
