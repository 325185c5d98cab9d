// Package backup is what a log is copied to, and made of again: one stream, checked from end to end. It knows of no file,
// so that whoever asks a node for a backup can check what comes.
//
// [eventlog.Log.Backup] writes one, of a log that others write to meanwhile. A [Reader] reads it, [Check] verifies it
// without restoring anything, package restore makes the folder of a log of it, and [ReadSummary] says in a moment what one
// in a file holds. A backup since an earlier one ([Options].Since) has what that lacks; all of a chain are restored together,
// in their order.
//
// The stream begins with the line "quipu backup 1", and goes on in blocks:
//
//	kind (1) ‖ length (4) ‖ payload ‖ sum (32)     sum = SHA-256(sum of the block before ‖ kind ‖ length ‖ payload)
//
//	h   a [Head], as JSON: which log, whose, made when, of which offsets, since which backup
//	f   files that belong with the log, by name: what they say is their owner's business
//	k   the log's key, sealed by whoever made the backup
//	s   the small part, all as of one moment: meta, the records of the feeds, followers, their state, what they have
//	    parked, and the times of arrivals, as keys and values of the file
//	t   which ops of the backups before have lost their bodies since
//	o   ops in the order of their arrival, each as it stands in the file: with its offset and checksum, and with the
//	    number of the sweep where its body went
//	m   arrivals whose ops could not be read
//	e   an [End], as JSON; nothing follows
//
// So a cut or a flip is named by its place in the stream, at the latest a MiB behind it; the last sum covers all there
// is, and is the backup's [ID]. The sums tell what has changed by accident. What somebody has changed with intent, sums
// and all, cannot be an entry that its author has not signed; but followers and their state are as the stream says.
package backup
