package crash

// operation is what is done to a log while something goes wrong.
type operation struct {
	name string
	// prepare makes the folder that each cell begins with; nil for [usual].
	prepare func(s *subject)
	// ready is what precedes the operation in the same process, on a log that is open unless the operation opens it.
	ready func(s *subject)
	// run is the operation. Its steps are counted.
	run func(s *subject) error
	// found says how much of it is there: some of the constants below; nil where there is nothing to be found.
	found func(s *subject) string
	// reopen opens the log as the next process does; nil for [subject.open].
	reopen func(s *subject)
	// resume has a log append that may not yet; nil where it may.
	resume func(s *subject) error
	// after looks at what is the operation's own, once the log goes on.
	after func(s *subject)

	noLinks         bool // the file system has no hard links
	opens           bool // the operation opens the log, or makes it
	rekeys          bool // the log has a new key then
	forgets, prunes bool // it trims, and it drops ops
	steps           bool // it commits several times, and ends with an error when a part of it is done
	late            bool // an error may come when all of it is there
}

// What is found of an operation.
const (
	all  = "all"
	part = "part"
	none = "none"
)

// operations are the rows of the table, each a row for each of its steps. The next one is a line more.
var operations = []operation{
	{name: "create", prepare: func(*subject) {}, opens: true, run: (*subject).create, found: (*subject).foundLog, reopen: (*subject).openOrCreate, late: true},
	{name: "open", opens: true, run: (*subject).reopened},
	{name: "open after a failed sync", prepare: marked, opens: true, run: (*subject).reopened},
	{name: "append", ready: inFlight, run: (*subject).appendInFlight, found: (*subject).foundHeld, after: (*subject).sendFlight},
	{name: "append, with all arrivals that may be late", ready: full, run: (*subject).appendInFlight, found: (*subject).foundHeld, after: (*subject).sendFlight},
	{name: "go on after a failed sync", ready: inFlight, run: (*subject).appendTwice, found: (*subject).foundHeld, after: (*subject).sendFlight},
	{name: "look for room", ready: noRoom, run: (*subject).seekRoom},
	{name: "apply", ready: peerAppends, run: (*subject).apply, found: (*subject).foundHeld},
	{name: "apply, with arrivals that are late", ready: lateAndPeerAppends, run: (*subject).apply, found: (*subject).foundHeld},
	{name: "follower commit", ready: behind, run: (*subject).followOn, found: (*subject).foundSeen, steps: true},
	{name: "index", run: (*subject).index, found: (*subject).foundIndex, after: (*subject).indexIsRight, steps: true},
	{name: "trim", ready: toForget, run: (*subject).trim, found: (*subject).foundGone, forgets: true, steps: true},
	{name: "prune", run: (*subject).prune, found: (*subject).foundLeave, forgets: true, prunes: true},
	{name: "trim what is pruned", ready: pruned, run: (*subject).trim, found: (*subject).foundPruned, forgets: true, prunes: true, steps: true},
	{name: "compact", ready: (*subject).noteFile, run: (*subject).compact, found: (*subject).foundCopy, after: (*subject).leavesNoCopy},
	{name: "recover", prepare: usedKey, run: (*subject).recover, found: (*subject).foundRecovered, resume: (*subject).recover},
	{name: "new key", opens: true, run: (*subject).rekey, found: (*subject).foundNewKey, reopen: (*subject).openWithEither},
	{name: "backup", run: (*subject).backUp, found: (*subject).foundBackup, late: true},
	{name: "restore", prepare: backedUp, opens: true, run: (*subject).restore, found: (*subject).foundLog, reopen: (*subject).openOrRestore, resume: (*subject).recover, late: true},
	{name: "restore with a new key", prepare: backedUp, opens: true, rekeys: true, run: (*subject).restore, found: (*subject).foundLog, reopen: (*subject).openOrRestore, late: true},
	{name: "restore a node", prepare: nodeBackedUp, opens: true, run: (*subject).restoreNode, found: (*subject).foundLog, reopen: (*subject).openOrRestoreNode, resume: (*subject).recover, after: (*subject).nodeIsWhole, late: true},
	{name: "restore a node with a new key, without hard links", prepare: nodeBackedUp, noLinks: true, opens: true, rekeys: true, run: (*subject).restoreNode, found: (*subject).foundLog, reopen: (*subject).openOrRestoreNode, after: (*subject).nodeIsWhole, late: true},
	{name: "repair", ready: spoiled, run: (*subject).repair, found: (*subject).foundRepaired, resume: (*subject).repair, after: (*subject).nothingDamaged, late: true},
	{name: "salvage", ready: damaged, opens: true, run: (*subject).salvage, found: (*subject).foundSalvaged, reopen: (*subject).openOrSalvage, resume: (*subject).recover, late: true},
	{name: "salvage without hard links", ready: damaged, noLinks: true, opens: true, run: (*subject).salvage, found: (*subject).foundSalvaged, reopen: (*subject).openOrSalvage, resume: (*subject).recover, after: (*subject).asideIsPutBack, late: true},
	{name: "rebuild", ready: atRebuild, run: (*subject).rebuild, found: (*subject).foundRebuilt, after: (*subject).rebuiltOnce, steps: true},
	{name: "close", ready: moreThanMarked, run: (*subject).shut},
}
