// Package query says what is asked of a log, and from where on: pure.
//
// A [Query] says which entries a reading takes, and how: their [Order], what it does about [Disputed] entries and about
// those that are [Gone]. A [Cursor] is where a reader elsewhere has come to. Package eventlog reads: see Entries, Page,
// Tail and Listen of its Log.
package query
