// Package condition knows what keeps a node from having, taking or writing what it could: the one list that
// is shown in its status, told to its peers, written to its log and looked at by status --check.
package condition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// Condition is one that holds.
type Condition struct {
	Kind  gossip.Condition
	Since time.Time // zero where it is not known
	Why   string    // in words, for people
	Fails api.Demand
}

// Meaning is what a kind of condition means, wherever it is shown.
type Meaning struct {
	Kind gossip.Condition
	// Text says in a few words what is so, and what comes of it.
	Text string
	// Fails is the least demand that the node does not meet meanwhile.
	Fails api.Demand
}

// Meanings are the kinds of conditions that there are.
var Meanings = []Meaning{
	{wire.ConditionStuck, "there is no room on the disk; it goes on by itself when there is", api.DemandReady},
	{wire.ConditionStarved, "others have more of an author, without bodies that are kept here", api.DemandCaughtUp},
	{wire.ConditionShut, "no more is taken of an author", api.DemandCaughtUp},
	{wire.ConditionSecondWriter, "somebody else writes with this node's key: it appends nothing", api.DemandReady},
	{wire.ConditionReadOnly, "the disk failed, and nothing is stored until the file is verified", api.DemandReady},
	{wire.ConditionDamaged, "a part of the file is not as it was written", api.DemandCaughtUp},
	{wire.ConditionRecovering, "it may not know the end of its own feed: see quipu recover", api.DemandReady},
	{wire.ConditionClock, "its wall clock is off those of most members: it trims no body", api.DemandWell},
}

// fails returns the least demand that a node fails in which a condition holds.
func fails(kind gossip.Condition) api.Demand {
	return Meanings[slices.IndexFunc(Meanings, func(m Meaning) bool { return m.Kind == kind })].Fails
}

// SecondWriterRemedy is said after [eventlog.ErrSecondWriter], wherever a person reads it.
const SecondWriterRemedy = `: "quipu forks show AUTHOR" says what happened; it does not go on here with this key: "quipu stop --dir D" and then "quipu recover --dir D --new-key" gives this folder one of its own`

// Of returns the conditions that hold, by kind, each once: those of a log, and where network is not nil
// those of a node that takes part. Recovery is what [Recovering] has returned.
func Of(log *eventlog.Log, network *gossip.Status, recovery *api.Recovery) []Condition {
	var all []Condition
	add := func(kind gossip.Condition, since time.Time, why string) {
		all = append(all, Condition{Kind: kind, Since: since, Why: why, Fails: fails(kind)})
	}
	health, shut := log.Health(), log.ShutReasons()
	var full *gossip.Full
	if network != nil {
		full = network.Full
	}
	switch {
	case health.Full != nil:
		add(wire.ConditionStuck, health.Full.Since, health.Full.Err.Error())
	case full != nil:
		add(wire.ConditionStuck, full.Since, full.Err.Error())
	}
	if network != nil && len(network.Starved) > 0 {
		add(wire.ConditionStarved, network.Starved[0].Since, starved(network.Starved))
	}
	if why := authors(shut, func(r eventlog.ShutReason) bool { return r != eventlog.ShutDamaged }); why != "" {
		if log.Meters().Held.Turned {
			why += ", and more"
		}
		add(wire.ConditionShut, time.Time{}, "no more is taken of "+why)
	}
	if errors.Is(health.Mute, eventlog.ErrSecondWriter) {
		add(wire.ConditionSecondWriter, time.Time{}, health.Mute.Error()+SecondWriterRemedy)
	}
	if health.ReadOnly != nil && !damaged(health.ReadOnly) {
		add(wire.ConditionReadOnly, time.Time{}, health.ReadOnly.Error())
	}
	if why := damage(health, shut); why != "" {
		add(wire.ConditionDamaged, time.Time{}, why)
		if health.ReadOnly != nil {
			all[len(all)-1].Fails = api.DemandReady
		}
	}
	if recovery != nil && !Passing(recovery) {
		add(wire.ConditionRecovering, recovery.Since, recovery.String())
	}
	if off := log.ClockOff(); off != 0 {
		add(wire.ConditionClock, time.Time{}, ClockOff(off))
	}
	return all
}

// ClockOff says in words that the clocks of the members are off by so much.
func ClockOff(off time.Duration) string {
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	return fmt.Sprintf("the clocks of most members are %s %s this node's: no body is trimmed until they agree", age.Rough(off.Abs()), way)
}

// starved says of whom there is more elsewhere.
func starved(all []gossip.Starved) string {
	first := all[0]
	text := fmt.Sprintf("of %s: %v; trim-age and trim-count as on the other members let it go on", first.Author.Short(), first.Err)
	if more := len(all) - 1; more > 0 {
		text += fmt.Sprintf(" (and of %d other authors)", more)
	}
	return text
}

// damage says which part of the file is not as it was written, "" if none was met.
func damage(h eventlog.Health, shut map[crdt.Author]eventlog.ShutReason) string {
	for _, err := range []error{h.ReadOnly, h.Mute, h.Damage} {
		if damaged(err) {
			return err.Error()
		}
	}
	return authors(shut, func(r eventlog.ShutReason) bool { return r == eventlog.ShutDamaged })
}

func damaged(err error) bool {
	_, ok := errors.AsType[*eventlog.DamagedError](err)
	return ok
}

// mostNamed bounds the authors that a text names.
const mostNamed = 8

// authors names the authors that are shut for the given reasons, "" if there are none.
func authors(shut map[crdt.Author]eventlog.ShutReason, which func(eventlog.ShutReason) bool) string {
	var names []string
	for _, a := range slices.SortedFunc(maps.Keys(shut), crdt.Author.Compare) {
		if which(shut[a]) {
			names = append(names, fmt.Sprintf("%s (%s)", a.Short(), shut[a]))
		}
	}
	if more := len(names) - mostNamed; more > 0 {
		names = append(names[:mostNamed], fmt.Sprintf("%d others", more))
	}
	return strings.Join(names, ", ")
}

// Kinds returns the kinds of conditions, as peers are told them.
func Kinds(all []Condition) []gossip.Condition {
	kinds := make([]gossip.Condition, len(all))
	for i, c := range all {
		kinds[i] = c.Kind
	}
	return kinds
}

// Told returns conditions as clients are told them; never nil.
func Told(all []Condition) []api.Condition {
	told := make([]api.Condition, len(all))
	for i, c := range all {
		told[i] = api.Condition{Condition: c.Kind.String(), Since: c.Since.UTC(), Why: c.Why, Fails: c.Fails}
	}
	return told
}
