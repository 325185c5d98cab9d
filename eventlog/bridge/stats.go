package bridge

// Stats counts what a bridge has done since it was made.
type Stats struct {
	// Queued and QueuedBytes are what is published and not durable yet: events, and about their bytes.
	Queued, QueuedBytes int
	// Published, Refused and Dropped count values by what became of them; those Published were queued.
	Published, Refused, Dropped uint64
	// Missing counts the numbers that the source has left out.
	Missing uint64
	// Recorded, Gaps and Batches count the events, the gap entries and the transactions that are durable.
	Recorded, Gaps, Batches uint64
	// Retries counts the commits that failed and were tried again.
	Retries uint64
	// Number is that of the last event that is durable, as an entry or in a gap.
	Number uint64
	// Err is why the bridge has stopped; nil while it works and after a Close.
	Err error
}

// Stats returns the counts of the bridge; zero when there is none.
func (b *Bridge[T]) Stats() Stats {
	if b.made() != nil {
		return Stats{}
	}
	return b.queue.read()
}

// read returns the counts.
func (q *queue) read() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Queued, s.QueuedBytes, s.Number = q.held.events, q.held.bytes, q.settled
	return s
}
