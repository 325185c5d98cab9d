package disk

import (
	"reflect"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"
)

// stopwatch tells how long the two syncs of a commit take. bbolt counts them together with its writes, and lets its writes
// alone be hooked: a sync is what lies behind the last of them.
//
//	page … page │ sync │ meta │ sync
//	       wrote┘ ├────┘ wrote┘ ├────┘ synced
//
// One goroutine at a time uses it, the writer.
type stopwatch struct {
	write  writeAt   // as bbolt writes
	metas  int64     // where the meta pages end, in bytes
	wrote  time.Time // when the last write was over
	synced time.Duration
}

// writeAt writes bytes of a file.
type writeAt = func(b []byte, offset int64) (n int, err error)

// newStopwatch returns the stopwatch of a database that was just opened. It is nil where bbolt does not sync, and where
// it keeps its writes elsewhere than the version does that is known here.
func newStopwatch(db *bbolt.DB) *stopwatch {
	hook := writesOf(db)
	if db.NoSync || hook == nil {
		return nil
	}
	s := &stopwatch{write: *hook, metas: 2 * int64(db.Info().PageSize)}
	*hook = s.writeAt
	return s
}

// writesOf returns the place where bbolt keeps how it writes a page, for its own tests; nil if it does no more.
func writesOf(db *bbolt.DB) *writeAt {
	ops := reflect.ValueOf(db).Elem().FieldByName("ops")
	if ops.Kind() != reflect.Struct {
		return nil
	}
	hook := ops.FieldByName("writeAt")
	if !hook.IsValid() || hook.Type() != reflect.TypeFor[writeAt]() {
		return nil
	}
	return (*writeAt)(unsafe.Pointer(hook.UnsafeAddr()))
}

func (s *stopwatch) writeAt(b []byte, offset int64) (n int, err error) {
	if offset < s.metas {
		s.synced = time.Since(s.wrote)
	}
	n, err = s.write(b, offset)
	s.wrote = time.Now()
	return n, err
}

// stop ends a commit that has succeeded.
func (s *stopwatch) stop() {
	s.synced += time.Since(s.wrote)
}
