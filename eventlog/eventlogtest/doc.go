// Package eventlogtest helps tests of what stands on a log: [Open] gives a log in a temporary
// directory, with a key and a genesis of its own, that is verified when the test ends. [Create] and
// [Reopen] are for tests that close it in between, [OpenAs] and [Exchange] for those with two.
//
// It is imported by tests only.
package eventlogtest
