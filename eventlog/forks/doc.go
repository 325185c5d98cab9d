// Package forks says where a feed whose author contradicts itself parts, and into which branches: pure.
//
//	a ─ b ─ c ─┬─ d ─ e        a fork after c with two branches, d … e and x;
//	           └─ x ─┬─ y      the branch x parts again: a second fork,
//	                 └─ z      after x
//
// A [Scan] is told of the disputed ops of one feed in order of key and sorts each to its [Branch]; it keeps the ends of the
// branches only. [Scan.Forks] returns each [Fork], with its proof. Package eventlog reads the ops and says the rest of the
// feed.
package forks
