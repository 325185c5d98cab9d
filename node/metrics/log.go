package metrics

import (
	"maps"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// nanoseconds are the parts of a second in which the log counts.
const nanoseconds = float64(time.Second)

// shutReasons are the reasons for which no more of an author is taken.
var shutReasons = []eventlog.ShutReason{
	eventlog.ShutBranches, eventlog.ShutAuthors, eventlog.ShutShare, eventlog.ShutQuota, eventlog.ShutDamaged,
}

// failures are the codes of appends that came to nothing: every log has the same.
var failures = []string{"uncertain", "no-room", "second-writer", "recovering", "read-only", "reserved", "id-reused", "too-large", "invalid", "stopping", "internal"}

// appends are the rows about what is appended here.
var appends = []metric{
	value(counter, "appends_total", "Calls that appended, an event or several together, and have succeeded.", func(l *Look) float64 { return float64(l.Log.Calls) }),
	words(counter, "append_failures_total", "Calls that were to append and have appended nothing, by code.", "code", failures, func(l *Look) map[string]uint64 { return l.Log.Failed }),
	value(counter, "appended_entries_total", "Entries that were appended here.", func(l *Look) float64 { return float64(l.Log.Entries) }),
	value(counter, "appended_bytes_total", "Bytes of the entries that were appended here, encoded.", func(l *Look) float64 { return float64(l.Log.Bytes) }),
	spread("commit_seconds", "Time that a commit took, of appends and of all else that is written.", func(l *Look) (eventlog.Distribution, float64) { return l.Log.Commit, nanoseconds }),
	spread("commit_sync_seconds", "Part of that in which what was written was synced, twice.", func(l *Look) (eventlog.Distribution, float64) { return l.Log.Sync, nanoseconds }),
	spread("commit_gather_seconds", "Time that a commit of appends waited for callers who were on their way.", func(l *Look) (eventlog.Distribution, float64) { return l.Log.Gather, nanoseconds }),
	spread("commit_entries", "Entries that were appended in one commit.", func(l *Look) (eventlog.Distribution, float64) { return l.Log.Lot, 1 }),
}

// file are the rows about the log's file and its disk.
var file = append([]metric{
	value(gauge, "file_bytes", "Bytes of the log's file, up to its last page.", func(l *Look) float64 { return float64(l.Log.File.Pages * l.Log.File.PageSize) }),
	value(gauge, "file_free_bytes", "Bytes of these that are free for what comes.", func(l *Look) float64 { return float64(l.Log.Held.Free) }),
	value(gauge, "file_pages", "Pages of the log's file.", func(l *Look) float64 { return float64(l.Log.File.Pages) }),
	value(gauge, "file_free_pages", "Pages that are on the list of free ones.", func(l *Look) float64 { return float64(l.Log.File.Free) }),
	value(gauge, "file_pending_pages", "Pages that will be free once no transaction reads them any more.", func(l *Look) float64 { return float64(l.Log.File.Pending) }),
	value(gauge, "file_freelist_bytes", "Bytes that the list of free pages takes in the file.", func(l *Look) float64 { return float64(l.Log.File.Freelist) }),
	value(gauge, "file_reading_transactions", "Transactions that read and are open.", func(l *Look) float64 { return float64(l.Log.File.Reading) }),
	value(gauge, "damaged_places", "Stretches of feeds that are held and cannot be read, the first 10,000 of them.", func(l *Look) float64 { return float64(l.Log.Holes) }),
}, sampled(metric{
	name: "disk_free_bytes", kind: gauge, help: "Bytes that are free for the node on the disk of the log's file.", most: 1,
	read: func(l *Look, put put) {
		if free := l.Sample.DiskFree; free != nil {
			put(float64(*free))
		}
	},
})...)

// feeds are the rows about what is held.
var feeds = append([]metric{
	value(gauge, "authors", "Authors of whom something is held.", func(l *Look) float64 { return float64(l.Log.Held.Authors) }),
	value(gauge, "ops", "Ops that are held.", func(l *Look) float64 { return float64(l.Log.Held.Ops) }),
	value(gauge, "entries", "Entries that are held, with their bodies or without.", func(l *Look) float64 { return float64(l.Log.Held.Entries) }),
	value(gauge, "next_offset", "Offset that the next entry gets.", func(l *Look) float64 { return float64(l.Log.Held.Next) }),
	each(gauge, "author_entries", "Entries that are held of an author.", "author", 1+maxAuthors, ofAuthors(func(f *eventlog.FeedStats) float64 { return float64(f.Entries) })),
	each(gauge, "author_bytes", "Bytes that an author's feed takes in the file, about.", "author", 1+maxAuthors, ofAuthors(func(f *eventlog.FeedStats) float64 { return float64(f.Bytes) })),
	each(gauge, "author_head_seq", "Seq that the next entry of an author gets.", "author", maxAuthors, ofShown(func(f *eventlog.FeedStats) float64 { return float64(f.Next) })),
	each(gauge, "author_last_timestamp_seconds", "Time that the author's clock showed at the last entry held.", "author", maxAuthors, ofShown(func(f *eventlog.FeedStats) float64 {
		return float64(f.Clock.Time().UnixMilli()) / 1000
	})),
	value(gauge, "others_bytes", "Bytes that the feeds of others take in the file, about.", func(l *Look) float64 { return float64(l.Log.Held.Others) }),
	value(gauge, "others_limit_bytes", "Bytes that they may take; 0 for any.", func(l *Look) float64 { return float64(l.Log.Held.Bounds.Quota) }),
	value(gauge, "forked_authors", "Authors that contradict themselves.", func(l *Look) float64 { return float64(l.Log.Held.Forked) }),
	value(gauge, "ahead_authors", "Authors whose last clock is more than a minute ahead of this node's.", func(l *Look) float64 { return float64(l.Log.Held.Ahead) }),
	words(gauge, "shut_authors", "Authors of whom no more is taken, by reason.", "reason", shutReasons, func(l *Look) map[eventlog.ShutReason]uint64 {
		n := make(map[eventlog.ShutReason]uint64)
		for why := range maps.Values(l.Shut) {
			n[why]++
		}
		return n
	}),
	value(counter, "applied_ops_total", "Ops that were taken from peers and bundles.", func(l *Look) float64 { return float64(l.Log.Held.Applied.Ops) }),
	value(counter, "applied_entries_total", "Entries that were taken from peers and bundles.", func(l *Look) float64 { return float64(l.Log.Held.Applied.Entries) }),
}, forgotten...)

// ways are those in which entries are forgotten, and states those in which they are held.
var (
	ways   = []string{"trimmed", "pruned"}
	states = []string{"whole", "trimmed"}
)

// forgotten are the rows about what is not here any more.
var forgotten = append([]metric{
	words(gauge, "retained_entries", "Entries that are held, by class: whole, or trimmed, which have no bodies.", "class", states, func(l *Look) map[string]uint64 {
		h := &l.Log.Held
		return map[string]uint64{"whole": h.Entries - h.Trimmed, "trimmed": h.Trimmed}
	}),
	value(gauge, "pruned_entries", "Entries that were held here and then pruned.", func(l *Look) float64 { return float64(l.Log.Held.Pruned) }),
	value(gauge, "missed_entries", "Entries between pieces that are held, which were pruned before they could come.", func(l *Look) float64 { return float64(l.missed) }),
	value(counter, "trims_total", "Trims that were made.", func(l *Look) float64 { return float64(l.Trims.Runs) }),
	value(counter, "trim_failures_total", "Trims that have ended with an error.", func(l *Look) float64 { return float64(l.Trims.Failed) }),
	{
		name: "trim_last_timestamp_seconds", kind: gauge, help: "Time at which the last trim began.", most: 1, read: func(l *Look, put put) {
			if !l.Trims.Last.IsZero() {
				put(float64(l.Trims.Last.UnixMilli()) / 1000)
			}
		},
	},
	each(gauge, "trim_held_entries", "Entries that the last trim has kept for a follower or a member who has not come so far, by the holder.", "holder", maxFollowers, func(l *Look, put put) {
		for _, h := range l.Trims.Held[:min(len(l.Trims.Held), maxFollowers)] {
			if h.Entries > 0 {
				put(float64(h.Entries), h.Name)
			}
		}
	}),
	words(counter, "forgotten_entries_total", "Entries whose bodies were trimmed, or that were pruned.", "class", ways, func(l *Look) map[string]uint64 {
		return map[string]uint64{"trimmed": l.Trims.Trimmed.Entries, "pruned": l.Trims.Pruned.Entries}
	}),
	words(counter, "forgotten_bytes_total", "Bytes that these took in the file.", "class", ways, func(l *Look) map[string]uint64 {
		return map[string]uint64{"trimmed": l.Trims.Trimmed.Bytes, "pruned": l.Trims.Pruned.Bytes}
	}),
}, sampled(
	value(gauge, "gap_entries", "Entries that say what programs lost before it became entries.", func(l *Look) float64 { return float64(l.Sample.Gaps) }),
	value(gauge, "gap_events", "Events that those entries name as lost.", func(l *Look) float64 { return float64(l.Sample.Lost) }),
)...)

// followers are the rows about followers.
var followers = sampled(
	value(gauge, "followers", "Followers that there are.", func(l *Look) float64 { return float64(len(l.Sample.Followers)) }),
	ofFollowers(gauge, "follower_running", "Whether a follower runs in the node.", func(f *eventlog.FollowerStatus) float64 { return truth(f.Running) }),
	ofFollowers(gauge, "follower_offset", "Offset of the entry that a follower looks at next.", func(f *eventlog.FollowerStatus) float64 { return float64(f.Cursor) }),
	ofFollowers(gauge, "follower_lag_entries", "Entries that a follower has not looked at.", func(f *eventlog.FollowerStatus) float64 { return float64(f.Lag) }),
	ofFollowers(gauge, "follower_lag_seconds", "How long ago the first of these was written.", func(f *eventlog.FollowerStatus) float64 { return f.LagTime.Seconds() }),
	ofFollowers(counter, "follower_handled_entries_total", "Entries that a follower has handled since it began.", func(f *eventlog.FollowerStatus) float64 { return float64(f.Handled) }),
	ofFollowers(gauge, "follower_parked_entries", "Entries that a follower has put aside since they fail.", func(f *eventlog.FollowerStatus) float64 { return float64(f.Parked) }),
	ofFollowers(gauge, "follower_failed_attempts", "Failures of a follower since it last handled an entry.", func(f *eventlog.FollowerStatus) float64 {
		if f.Failure == nil {
			return 0
		}
		return float64(f.Failure.Attempts)
	}),
)
