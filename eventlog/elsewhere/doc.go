// Package elsewhere says which other nodes hold an entry, and waits until some do.
//
// What another node holds is known by what it says itself, on its own link: a [Standing] for each node, which
// whoever speaks with the others keeps, as [Receipts]. A [Ledger] holds the standings against the ops that are held
// here. Only a head whose op is held here proves something: it names by its id all that lies below it on its branch.
// What is claimed beyond that proves nothing.
//
//	our feed   a ─ b ─ c ─ d ─ e ─ f
//	                   │       │
//	                   B       C         --wait 1 is reached up to e, --wait all up to c
//
// Of one entry that comes to a [Receipt] for each node. Those who wait for a [Replication] of entries of one feed wait
// for a height of it, so a change wakes only those that have what they wait for: see [Ledger.Wait].
package elsewhere
