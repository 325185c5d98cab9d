package crash

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// The follower whose effects are to be there once: for each number it puts a mark into its state, and for each batch it
// appends an entry that lists the numbers.
const (
	effects    = "effects"
	effectKind = "crash.effect"
)

// follow runs the follower until it has done with all that the log holds now.
func (s *subject) follow(l *eventlog.Log) error {
	next := l.Stats().Next
	if next == 0 {
		return nil // it would wait for the first entry
	}
	cfg := eventlog.FollowConfig{
		Kinds: []string{numberKind}, Until: &next, MaxEntries: 3, RetryMin: time.Microsecond, RetryMax: time.Microsecond,
	}
	return l.Follow(s.ctx, effects, cfg, takeEffect)
}

func takeEffect(tx *eventlog.Tx, batch []eventlog.Entry) error {
	seen := tx.Bucket(effects)
	var numbers []json.RawMessage
	for _, e := range batch {
		number := bytes.TrimSpace(e.Payload)
		if err := seen.Put(number, append(slices.Clone(seen.Get(number)), 'x')); err != nil {
			return err
		}
		numbers = append(numbers, number)
	}
	payload, err := json.Marshal(numbers)
	if err == nil {
		_, err = tx.Append(crdt.Event{Kind: effectKind, Payload: payload})
	}
	return err
}

// seen returns how often the follower has seen each number, as its state says.
func (s *subject) seen(l *eventlog.Log) map[int]int {
	s.Helper()
	all := make(map[int]int)
	must(s, l.View(s.ctx, func(tx *eventlog.ReadTx) error {
		for k, v := range tx.Bucket(effects).Ascend(nil) {
			n, err := strconv.Atoi(string(k))
			if err != nil {
				return err
			}
			all[n] = len(v)
		}
		return nil
	}))
	return all
}

// told returns how often each number is listed in the entries that the follower has appended, those that are left.
func (s *subject) told(l *eventlog.Log) map[int]int {
	s.Helper()
	all := make(map[int]int)
	for e, err := range l.Entries(s.ctx, eventlog.Query{Kinds: []string{effectKind}}) {
		must(s, err)
		var numbers []int
		must(s, json.Unmarshal(e.Payload, &numbers))
		for _, n := range numbers {
			all[n]++
		}
	}
	return all
}

// checkEffects holds what the follower, which has done with all, has left against what the log holds or has held. What
// it has told of numbers that are pruned may be pruned, too.
func (s *subject) checkEffects(l *eventlog.Log) {
	s.Helper()
	seen, told, held := s.seen(l), s.told(l), s.held(l)
	for n := range s.acked {
		if seen[n] != 1 {
			s.Errorf("the entry of number %d has had its effect %d times", n, seen[n])
		}
	}
	for n := range held {
		if seen[n] != 1 {
			s.Errorf("the entry of number %d, which nobody was told of, has had its effect %d times", n, seen[n])
		}
	}
	for n, times := range seen {
		if times != 1 || told[n] > 1 || told[n] == 0 && !s.op.prunes {
			s.Errorf("the follower has seen number %d %d times and told of it %d times", n, times, told[n])
		}
		delete(told, n)
	}
	if len(told) > 0 {
		s.Errorf("the follower has told of numbers that it has not seen: %v", told)
	}
}
