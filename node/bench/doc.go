// Package bench measures what a running node does for those who ask it: how many entries a second it takes or gives, and
// how long a call waits.
//
// [Run] has a number of workers make one call after another through a client, as programs do. Each appends some entries
// and waits until they are acked, or reads some from anywhere in the log. What they measured is gathered once a second as
// a [Span], and as a whole in the one that Run returns; both know each percentile of the latency of a call to
// [sketch.Error].
//
// What is appended is real: entries of the node's own feed, which go to every member. They are trimmable, so their bodies
// go like those of others. Nothing here takes them back.
package bench
