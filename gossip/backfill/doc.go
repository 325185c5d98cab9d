// Package backfill decides whom to ask for what. A node that lacks ops knows from comparisons which
// peers have them; a [Schedule] turns that into asks, spreads them over the peers, takes up after a
// cut where the last ask ended, and turns away from peers that are slow or lie. It is pure: no
// goroutines, no I/O, no clock; whoever uses it brings the time and the chance, and calls it from one
// goroutine.
//
//	Comparing, Offered…, Compared ─┐                  ┌─▶ Plan: asks, to be sent as they are
//	Grew: a feed here is longer ───┼──▶  Schedule  ───┤
//	Arrived, Done: of an ask ──────┤                  └─▶ Lag, Progress: for people
//	Refused, Unlinked, Lost, Gone ─┘
//	Expire: time passes
//
// There are two kinds of [Ask]. One for the whole of a feed goes to one peer with a locator; it serves
// whatever the shape of the feed, and nothing else is asked of that feed meanwhile. Where both sides
// plainly have one chain and much is lacking, stretches of seqs are asked of several peers:
//
//	held here      base                                                 head that peers offer
//	●──●──●──●──●──┤███ C ███┤▒▒▒ A ▒▒▒┤▒▒▒ B ▒▒▒┤   C   │             ┤
//	                delivered, asked     asked      next to ask
//	                to be placed
//
// The next ask is always for the lowest stretch that is neither asked for nor delivered, so a cut, a
// slow peer or an answer that stops early leaves a stretch that is filled first. Spans of one feed, asked
// for or delivered and not placed yet, take up at most Window times SpanBytes; those of all feeds at
// most Pending. Only the span that begins at the base may always be asked for, since it is placed as it
// comes. A head that is claimed far ahead therefore costs no more than one that is near.
//
// A little that is lacking of a feed is left to live push for Patience. A lack of more than [Big]
// entries is asked for at once, and so is all that a peer offers when that is much together.
//
// What peers claim is a hint. A peer that delivers nothing for Deliver, or ends an answer that brought
// nothing, or sends what the laws refuse, is barred for that author: not asked for Avoid. A claim thus
// costs at most one ask for a span and one for the whole in each Avoid, and others are asked
// meanwhile. A peer that is slower than a quarter of what others of the same feed deliver loses its
// ask to them, and is asked for that author only when nobody else can be. Until a peer has delivered
// a first answer about an author, it is asked for one span of it at a time.
//
// [Schedule.Lag] and [Schedule.Progress] count what a peer claims only for authors of whom that peer
// has lately brought something new, and at most [Belief] times as much as it brought. All other claims are
// counted apart, by author: they may be true, and nothing waits for them.
//
// A peer is known from its first Comparing until Gone; offers of others are left out.
//
// The package does not compare, send, verify or place anything.
package backfill
