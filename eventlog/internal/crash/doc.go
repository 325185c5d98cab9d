// Package crash holds the tests of what a log's folder is after a process has died, a call to the system has failed,
// or the power was cut, at each step of each operation. It has no code of its own.
//
//	operation   what is done to a log, and how to tell how much of it was: a row of [operations] for each
//	fault       what goes wrong at a step: a column of the table
//	subject     a log, a peer of it, and what was acked, through one cell of the table
//	disk        stands between the log and the system (package sys): numbers the steps, and has one go wrong
//	tape        writes the steps down instead, from which the states that a power cut may leave are made
//
// A new operation on the file, or a new call on the commit path, is a row more at most: the steps number and name
// themselves. docs/DURABILITY.md shows the table, and a test holds it to what the run has shown.
package crash
