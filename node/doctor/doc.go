// Package doctor looks at a node for what may hurt it, and says of each thing what it means and what to do about it.
//
// [Examine] looks at the folder, at the machine, and at what the node says of itself and of the others: of a daemon that
// runs, or of the log where none does. It returns a [Chart] with a [Finding] for each thing that was looked at, good or
// bad. [Chart.Archive] writes all that it has seen to a file for whoever is to help: no secret, no key, no token and
// nothing of what entries hold is in it, since it is made of what may be told, and not of files that something was struck
// from.
//
// It asks nobody but the node, needs no network, and writes nothing into the log. What it writes is a file of its own in
// the folder, to see how long the disk takes to keep something; it has no name by the time that it holds anything.
package doctor
