package doctor

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

const (
	// clockNote and clockWarn are how far apart clocks are before it is worth a word; at clockWarn bodies are kept, and causal
	// order is not true any more.
	clockNote, clockWarn = 2 * time.Second, time.Minute
	// backupAge is how old a backup may be.
	backupAge = 7 * 24 * time.Hour
	// mostNamed bounds the nodes and followers that a finding names.
	mostNamed = 5
)

// lookAtMembers says who is there and who is linked.
func (c *Chart) lookAtMembers() {
	s := &c.status
	if !s.Running || !c.asked() {
		return
	}
	var lost, ill []string
	for _, m := range c.members {
		switch {
		case m.State != "self" && m.State != "left" && !m.Linked && m.State != "alive":
			lost = append(lost, nameOf(m)+" ("+m.State+")")
		case m.State != "self" && len(m.Conditions) > 0:
			ill = append(ill, nameOf(m)+" ("+strings.Join(m.Conditions, ", ")+")")
		}
	}
	switch {
	case s.Alone:
		c.find(Note, "\"quipu start --join\" names another node", "this node is alone: no other is known")
	case s.Linked == 0:
		c.find(Warn, "see \"quipu members\" and \"quipu status\" (join) for why: another secret, another log, or no way through the network", "no member is linked: nothing comes, and nothing goes")
	case s.Behind != nil && s.Behind.Entries > 0:
		c.find(Note, "", "%d others are alive, %d linked; %d entries are still to come", s.Members, s.Linked, s.Behind.Entries)
	default:
		c.find(OK, "", "%d others are alive, %d linked", s.Members, s.Linked)
	}
	if len(lost) > 0 {
		c.find(Warn, "start them; if one is gone for good nothing need be done", "not heard of: %s", some(lost))
	}
	if len(ill) > 0 {
		c.find(Note, "run doctor there", "members say of themselves: %s", some(ill))
	}
	for _, seed := range s.Seeds {
		if seed.Source == "configured" && seed.Error != "" {
			c.find(Warn, "look at the address, the secret and the network", "join %s: %s", seed.Addr, seed.Error)
		}
	}
}

// nameOf returns what people call a member.
func nameOf(m api.Member) string { return cmp.Or(m.Name, m.Author.Short()) }

// some names the first of a list.
func some(names []string) string {
	return clip.List(names, mostNamed, func(name string) string { return name })
}

// lookAtClock says how the wall clock stands to those of others.
func (c *Chart) lookAtClock() {
	if c.status.Ahead > 0 {
		c.find(Warn, "set the clocks of the nodes that wrote them, or this one's, by a time server", "%d authors have written with a clock that is more than a minute ahead of this one", c.status.Ahead)
	}
	if !c.status.Running || c.status.Alone {
		return
	}
	measured, worst, of := 0, time.Duration(0), ""
	for _, m := range c.members {
		if m.ClockOff == nil {
			continue
		}
		measured++
		if off := time.Duration(*m.ClockOff * float64(time.Second)); off.Abs() >= worst.Abs() {
			worst, of = off, nameOf(m)
		}
	}
	way := "ahead of"
	if worst < 0 {
		way = "behind"
	}
	switch text := fmt.Sprintf("the clock of %s is %s %s this one", of, worst.Abs().Round(time.Millisecond), way); {
	case measured == 0:
		c.find(Note, "", "no member has told its time in the last minute")
	case worst.Abs() > clockWarn:
		c.find(Warn, "set the one that is wrong by a time server", "%s", text)
	case worst.Abs() > clockNote:
		c.find(Note, "set both by a time server", "%s", text)
	default:
		c.find(OK, "", "of %d clocks that were compared, none is more than %s off", measured, worst.Abs().Round(time.Millisecond))
	}
}

// lookAtVersions says whether the programs differ: that of the daemon from this one, and those of members from the daemon's.
func (c *Chart) lookAtVersions() {
	var others []string
	for _, m := range c.members {
		if m.Version != "" && m.Version != c.status.Version {
			others = append(others, nameOf(m)+" ("+m.Version+")")
		}
	}
	if len(others) > 0 {
		c.find(Note, "finish the upgrade: nodes of two versions understand each other, and do what the older one can", "version skew: the daemon is quipu %s, others are not: %s", c.status.Version, some(others))
	}
	switch {
	case !c.status.Running:
		c.find(OK, "", "this is quipu %s", c.Version)
	case c.status.Version != c.Version:
		c.find(Warn, "start the daemon anew with the program that is installed", "the daemon is quipu %s, this is %s", c.status.Version, c.Version)
	default:
		c.find(OK, "", "the daemon is quipu %s, and so is this", c.Version)
	}
}

// lookAtReceipts says what is nowhere else.
func (c *Chart) lookAtReceipts() {
	u := c.status.Unreplicated
	switch {
	case !c.status.Running:
	case u == nil || u.String() == "":
		c.find(OK, "", "others hold what this node has written, or there are none")
	case u.Known && c.now.Sub(u.Since) > time.Hour:
		c.find(Warn, "until others have them they are lost with this disk: see \"members\"", "%s", u)
	default:
		c.find(Note, "", "%s", u)
	}
}

// lookAtFollowers says who fails. What a handler says of it may be of what entries hold, and is left out.
func (c *Chart) lookAtFollowers() {
	var failing []string
	for _, f := range c.followers {
		if f.Failure != nil && f.Failure.Attempts > 0 {
			failing = append(failing, fmt.Sprintf("%s (attempt %d, %d entries behind)", f.Name, f.Failure.Attempts, f.Lag))
		}
		if f.Parked > 0 {
			c.find(Note, "\"quipu followers parked\" shows them, drop gives them up", "%s has parked %d entries", f.Name, f.Parked)
		}
	}
	switch {
	case len(failing) > 0:
		c.find(Warn, "\"quipu followers show\" says why; see docs/GUIDE.md 7", "failing: %s", some(failing))
	case c.asked():
		c.find(OK, "", "none of %d fails", len(c.followers))
	}
}

// lookAtTrims says who keeps back what could be forgotten.
func (c *Chart) lookAtTrims() {
	if !c.asked() {
		return
	}
	var back, over []string
	for _, h := range c.trims.Holders {
		switch said := fmt.Sprintf("%s (%d entries behind)", h.Name, h.Behind); {
		case h.Overrun:
			over = append(over, said)
		case h.Behind > c.trims.Policy.MaxHold/2:
			back = append(back, said)
		}
	}
	if len(over) > 0 {
		c.find(Warn, "let it catch up, or remove it: what it has not seen may go", "too far behind to keep back a trim: %s", some(over))
	}
	if len(back) > 0 {
		c.find(Warn, "let it catch up, or remove it, see \"quipu trim --status\"", "kept back by %s", some(back))
	}
	switch last := c.trims.Last; {
	case last != nil && last.Error != "":
		c.find(Warn, "see \"quipu trim --status\"", "the last trim was cut short: %s", last.Error)
	case len(over)+len(back) == 0:
		c.find(OK, "", "nobody keeps back much: %d may", len(c.trims.Holders))
	}
}

// lookAtBackup says how old the last backup is, where somebody has said which that is.
func (c *Chart) lookAtBackup() {
	if c.Backup == "" {
		return
	}
	stat, err := os.Stat(c.Backup)
	if err != nil {
		c.find(Bad, "\"quipu backup\" makes one", "%v", err)
		return
	}
	old := max(0, c.now.Sub(stat.ModTime()))
	if old > backupAge {
		c.find(Warn, "\"quipu backup\" makes another, --since what that one lacks", "%s is %s old", c.Backup, age.Rough(old))
		return
	}
	c.find(OK, "\"quipu backup --check\" looks whether it is whole", "%s is %s old", c.Backup, age.Rough(old))
}
