package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestWhyACommitHasFailed: what bbolt returns, and what that means.
func TestWhyACommitHasFailed(t *testing.T) {
	for _, test := range []struct {
		err                        error
		noRoom, failed, syncFailed bool
	}{
		{errors.New("database has reached its largest size"), false, false, false},
		{syscall.EIO, false, true, true},
		{syscall.ENOSPC, true, true, true},
		{&fs.PathError{Op: "sync", Err: syscall.ENOSPC}, true, true, true},
		{&fs.PathError{Op: "write", Path: "test.db.compact-1", Err: syscall.EIO}, false, true, false},
		{&fs.PathError{Op: "write", Err: syscall.EDQUOT}, true, true, false},
		{fmt.Errorf("file resize error: %s", &fs.PathError{Op: "truncate", Path: "test.db.compact-1", Err: syscall.EFBIG}), true, true, false},
		{fmt.Errorf("file sync error: %s", syscall.ENOSPC), true, true, true},
		{fmt.Errorf("file sync error: %s", syscall.EIO), false, true, true},
		{&Damage{What: "the file", Err: errPage}, false, true, false},
	} {
		err := ofFile("test.db", test.err)
		if NoRoom(err) != test.noRoom || Failed(err) != test.failed || SyncFailed(err) != test.syncFailed {
			t.Errorf("%v: no room %t, failed %t, sync failed %t", test.err, NoRoom(err), Failed(err), SyncFailed(err))
		}
		if strings.Contains(err.Error(), "compact") {
			t.Errorf("%v: is told of a file that is not there any more", err)
		}
	}
}
