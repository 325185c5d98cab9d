package gossip

import "time"

// quotaEvents and quotaBytes bound the transient events that are taken from one link in a second.
const (
	quotaEvents = 1000
	quotaBytes  = 4 << 20
)

// quota is what a link may send in a second.
type quota struct {
	began         time.Time // of the second
	events, bytes int       // in it
}

// takes takes note of an event and reports whether it is within the quota.
func (q *quota) takes(size int, now time.Time) bool {
	if now.Sub(q.began) >= time.Second {
		*q = quota{began: now}
	}
	q.events++
	q.bytes += size
	return q.events <= quotaEvents && q.bytes <= quotaBytes
}
