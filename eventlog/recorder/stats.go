package recorder

// Stats are the numbers of a recorder since New. At any moment
//
//	Received              = Filtered + Invalid + Refused + Recorded + the calls that have not returned
//	Recorded + Recovered  = Flushed + Dropped + Buffered + Spilling
//
// A call that has not returned waits for room, or is under way. All other numbers count events: the gaps
// that name dropped events are not among them, wherever these gaps wait.
//
// Only events that were Filtered, Invalid or Refused are not recorded; for the last two Record returned an
// error.
type Stats struct {
	Received uint64 // calls of Record
	Filtered uint64 // let go by Config.Kinds
	Invalid  uint64 // refused because they can never be entries
	Refused  uint64 // refused because there was no room, or because the recorder has closed or failed
	Recorded uint64 // Record returned nil, and the event was not filtered

	Recovered uint64 // events found in the spill by New
	Flushed   uint64 // events that became entries
	Spilled   uint64 // events that went into the spill
	Dropped   uint64 // events that a gap names, or will name once it is flushed

	// Lost is how many events of the run before this one a gap names; LostAtMost says that Lost is a bound.
	Lost       uint64
	LostAtMost bool

	Buffered   uint64 // events that wait in memory
	Spilling   uint64 // events that wait in the spill
	SpillBytes int64  // bytes of the spill
	// AtRisk is how many events would be lost if the process were killed now: those that wait in memory. A
	// power cut could also lose the last Unsynced events in the spill, which are not on disk yet.
	AtRisk   uint64
	Unsynced uint64

	Flushes uint64 // transactions
	Failed  uint64 // flushes that failed, and syncs of the spill
	Retries uint64 // flushes that came after one that failed
	// UnknownKinds is how many kinds of the filter are not among the known ones or, once the recorder has
	// closed, had no event.
	UnknownKinds int
}

// Stats returns the present numbers. It costs a lock and no I/O, and may be called by whatever collects
// metrics.
func (r *Recorder) Stats() Stats {
	filtered, invalid := r.filtered.Load(), r.invalid.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	// Each call is counted as received before it is counted as anything else. So what was received is
	// read last: then no call is missing from it that is in another count.
	s.Received, s.Filtered, s.Invalid = r.received.Load(), filtered, invalid
	s.Buffered = uint64(r.buffer.events)
	s.AtRisk = s.Buffered
	if r.spill != nil {
		s.Spilling, s.SpillBytes, s.Unsynced = r.spill.waiting.events(), r.spill.bytes, uint64(r.spill.unsynced)
	}
	return s
}
