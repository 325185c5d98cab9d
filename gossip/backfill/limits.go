package backfill

const (
	// maxOffers bounds the authors of whom one peer's offers are kept. What is left out is offered
	// again by a later comparison.
	maxOffers = 16384
	// MaxOfferHeads bounds the heads of an offer that are kept, the highest: whoever offers more names
	// those that are not held. An ask for the whole of a feed brings what they leave out.
	MaxOfferHeads = 8
	// maxAvoided bounds the authors for whom one peer is avoided. A peer that earns more of them is
	// avoided for all authors.
	maxAvoided = 4096
	// maxGone bounds the peers that are remembered without a link, so that coming back forgives
	// nothing.
	maxGone = 256

	// Big is the number of entries from which on a lack is no matter for live push.
	Big = 1000
	// bigAuthors is the number of authors from which on what a peer offers is no matter for live push.
	bigAuthors = 256
	// Belief is how many times as much as a peer has brought of a feed its claims count as lag.
	Belief = 1000

	// maxSpan bounds a span, in entries.
	maxSpan = 8192
	// pipeline bounds the spans of one author that a fast peer is asked for at a time: enough that
	// it never waits for the next ask.
	pipeline = 4
	// slower is how many times slower than others a peer may be and keep its ask.
	slower = 4
	// unseen is how many bytes a peer may have sent that have not shown yet, since a run is seen when all
	// of it has come.
	unseen = 256 << 10
	// leastRate is the rate, in bytes a second, that lets a peer keep its ask when others are known to
	// offer the same but not how fast they are.
	leastRate = 16 << 10
	// smallest is the part of SpanBytes that a span is asked for or counted as at least: one in so many.
	smallest = 8
	// maxVisits bounds the authors that one plan looks at.
	maxVisits = 1024
	// maxFailures is how many delivered spans of a feed may turn out unusable before it is asked for
	// whole.
	maxFailures = 2
)
