// Package follower says what a follower of a log takes, and what the log keeps of it: pure.
//
// A [Config] says which entries a follower is given, how many at a time, and what follows when its handler fails, which is
// a [HandlerError]. What the log keeps behind the follower's cursor is a [Record]; a [Failure] is what failed last, and a
// [ParkedEntry] what the follower went on without. A [Status] says where it stands. Package eventlog follows: see Follow and
// Deliver there.
package follower
