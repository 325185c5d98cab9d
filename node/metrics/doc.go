// Package metrics is the one table of what a node counts and measures. From it come the answer to Prometheus, the counts in
// the status, and docs/METRICS.md, so that a number has the same name everywhere.
//
//	eventlog.Meters ─┐               ┌─▶ Handler   GET /metrics
//	gossip.Status   ─┼─▶ Look ─▶ table ─▶ Counts   quipu status --format json
//	server.Counts   ─┤               └─▶ TestPage  docs/METRICS.md
//	Sample          ─┘
//
// A [Look] is what the parts of a node say at a moment. Each counts in its own atomics where the thing happens; here nothing
// is counted. What can only be told by reading the log's file is in a [Sample], which the node takes by itself every few
// seconds: answering Prometheus reads nothing.
//
// A label has few values, whatever others do: the 50 authors that are active, the rest as one; 100 peers; 100 followers; and
// words of a closed list. No text that somebody chose stands in one, but for the names of followers.
package metrics
