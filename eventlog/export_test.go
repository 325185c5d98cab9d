package eventlog

import "go.etcd.io/bbolt"

// Bolt returns the database under a log, for tests that break it.
func Bolt(l *Log) *bbolt.DB { return l.db }

// FileName is the name of the file in its directory.
const FileName = fileName

// MaxApply bounds what one transaction of Apply stores.
const MaxApply = maxApply

// Unsynced makes l faster and no longer durable, for tests that are not about that.
func Unsynced(l *Log) *Log {
	l.db.NoSync = true
	return l
}
