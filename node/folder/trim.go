package folder

import (
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/age"
)

// The values of trim-waits.
const (
	WaitsForFollowers = "followers"
	WaitsForMembers   = "members"
)

// leastEvery is how far apart the trims of a daemon are at least: each looks at every feed.
const leastEvery = age.Age(time.Second)

// checkTrim names the first field about trimming whose value cannot be used.
func (c *Config) checkTrim() error {
	if c.TrimCount != nil && *c.TrimCount > crdt.MaxSeq {
		return fmt.Errorf("field trim-count: %d: expected at most 2^53", *c.TrimCount)
	}
	if every := c.TrimEvery; every != nil && *every > 0 && *every < leastEvery {
		return fmt.Errorf("field trim-every: %s: expected 1s or more, or 0 for only when asked to", every)
	}
	if c.TrimMaxHold != nil && *c.TrimMaxHold == 0 {
		return errors.New("field trim-max-hold: 0: expected 1 or more")
	}
	if w := c.TrimWaits; w != "" && w != WaitsForFollowers && w != WaitsForMembers {
		return fmt.Errorf("field trim-waits: %q: expected %s or %s", w, WaitsForFollowers, WaitsForMembers)
	}
	return nil
}

// TrimPolicy returns what the configuration says of forgetting, for the log.
func (c *Config) TrimPolicy() eventlog.TrimPolicy {
	p := eventlog.TrimPolicy{KeepBodies: c.KeepBodies, KeepPruned: c.KeepPruned}
	if c.TrimMaxHold != nil {
		p.MaxHold = *c.TrimMaxHold
	}
	if c.TrimAge != nil {
		p.MinAge = orNone(time.Duration(*c.TrimAge), -1)
	}
	if c.TrimCount != nil {
		p.MinCount = orNone(*c.TrimCount, eventlog.NoCount)
	}
	return p
}

// Every returns how often the daemon trims: 0 for the default, negative for never by itself.
func (c *Config) Every() time.Duration {
	if c.TrimEvery == nil {
		return 0
	}
	return orNone(time.Duration(*c.TrimEvery), -1)
}

// orNone returns v, or none in the place of 0.
func orNone[T time.Duration | uint64](v, none T) T {
	if v == 0 {
		return none
	}
	return v
}
