// Package times says when offsets were given, by this node's wall clock. That tells how long an op has been here, which
// counts where its own clock says more: that is its writer's word.
//
//	offsets   0 … 99 │ 100 … 170 │ 171 …
//	time           of 100          of 171
//	began          10:40           14:05      when the stretch begins
//	ended          10:31           11:40      when the one before it had its last arrival
//
// So what lies in a stretch came between its beginning and the end that the next time names. The tree of the times has
// a pair for each stretch, see package record.
package times

import (
	"time"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Begin keeps that a stretch begins at offset now, and by when all before it had arrived.
func Begin(t *disk.Tree, offset uint64, now, arrived time.Time) error {
	k := record.Offset(offset)
	return t.Packed().Put(k[:], record.ArrivalTime{Began: now, Ended: arrived}.Encode())
}

// Last returns when the last stretch began; the zero time if there is none.
func Last(t *disk.Tree) (time.Time, error) {
	k, v := t.Cursor().Last()
	if k == nil {
		return time.Time{}, nil
	}
	last, err := record.ParseArrivalTime(v)
	return last.Began, err
}

// Since returns a time since when what arrived at offset has been here at the latest, as this
// node's wall clock had it: the later of the beginning and the end of its stretch, so that a wall clock that
// was wrong for a while makes nothing look older than it is. The last stretch ends at arrived.
func Since(t *disk.Tree, offset uint64, arrived time.Time) (time.Time, error) {
	k := record.Offset(offset + 1)
	c := t.Cursor()
	since := arrived
	at, v := c.Seek(k[:])
	if at == nil {
		at, v = c.Last()
	} else {
		next, err := record.ParseArrivalTime(v)
		if err != nil {
			return arrived, err
		}
		since = next.Ended
		at, v = c.Prev()
	}
	if at == nil {
		return since, nil
	}
	own, err := record.ParseArrivalTime(v)
	if own.Began.After(since) {
		since = own.Began
	}
	return since, err
}
