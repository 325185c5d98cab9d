package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

// Patient is a node that is looked at.
type Patient struct {
	Folder folder.Folder
	// Client asks the node: its daemon, or its log where none runs. Nil where neither can be asked, and Unasked is why.
	Client  *client.Client
	Unasked error
	// Version is that of the program that looks.
	Version string
	// Getenv returns what a variable of the environment says.
	Getenv func(string) string
	// Backup is the file of the node's last backup; "" where nobody has said.
	Backup string
}

// Chart is what was seen of a node, and what was found.
type Chart struct {
	Patient
	Findings []Finding

	now        time.Time
	check      string // that runs
	config     folder.Config
	unread     error      // why the configuration could not be read
	status     api.Status // zero where unasked
	members    []api.Member
	followers  []api.Follower
	trims      api.TrimStatus
	unanswered []error // why some of these are not there, where the node has a status
}

// checks are what is looked at, in the order in which it is told.
var checks = []struct {
	name string
	look func(*Chart)
}{
	{"node", (*Chart).lookAtNode},
	{"conditions", (*Chart).lookAtConditions},
	{"damage", (*Chart).lookAtDamage},
	{"config", (*Chart).lookAtConfig},
	{"secret", (*Chart).lookAtSecret},
	{"modes", (*Chart).lookAtModes},
	{"disk", (*Chart).lookAtDisk},
	{"sync", (*Chart).lookAtSync},
	{"file system", (*Chart).lookAtFileSystem},
	{"limits", (*Chart).lookAtLimits},
	{"ports", (*Chart).lookAtPorts},
	{"certificate", (*Chart).lookAtCertificate},
	{"members", (*Chart).lookAtMembers},
	{"clock", (*Chart).lookAtClock},
	{"version", (*Chart).lookAtVersions},
	{"receipts", (*Chart).lookAtReceipts},
	{"followers", (*Chart).lookAtFollowers},
	{"trims", (*Chart).lookAtTrims},
	{"backup", (*Chart).lookAtBackup},
}

// Examine looks at a node. What cannot be looked at is a finding, too.
func Examine(ctx context.Context, p Patient) *Chart {
	c := &Chart{Patient: p, now: time.Now()}
	c.config, c.unread = p.Folder.ReadConfig()
	c.ask(ctx)
	for _, check := range checks {
		c.check = check.name
		check.look(c)
	}
	return c
}

// ask has the node say all that it says. One that does not say who it is is as one that cannot be asked.
func (c *Chart) ask(ctx context.Context) {
	if c.Client == nil {
		return
	}
	if c.status, c.Unasked = c.Client.Status(ctx); c.Unasked != nil {
		return
	}
	note := func(err error) {
		if err != nil {
			c.unanswered = append(c.unanswered, err)
		}
	}
	var err error
	c.trims, err = c.Client.TrimStatus(ctx)
	note(err)
	for f, err := range c.Client.Followers(ctx) {
		if err != nil {
			note(err)
			break
		}
		c.followers = append(c.followers, f)
	}
	if c.status.Running {
		c.members, err = c.Client.Members(ctx)
		note(err)
	}
}

// fileBytes returns the size of the log's file.
func (c *Chart) fileBytes() uint64 {
	stat, err := os.Stat(c.Folder.Log())
	if err != nil {
		return 0 // which others tell
	}
	return uint64(stat.Size())
}

// asked reports whether the node has said what it says.
func (c *Chart) asked() bool { return c.Unasked == nil }

// find takes note of something.
func (c *Chart) find(s Severity, do, format string, args ...any) {
	c.Findings = append(c.Findings, Finding{Check: c.check, Severity: s, What: fmt.Sprintf(format, args...), Do: do})
}

// Worst returns the severity of the worst finding.
func (c *Chart) Worst() (worst Severity) {
	for _, f := range c.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Count returns how many findings are of a severity.
func (c *Chart) Count(s Severity) (n int) {
	for _, f := range c.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// lookAtNode says who was asked.
func (c *Chart) lookAtNode() {
	switch s := &c.status; {
	case c.unread != nil && c.Client == nil:
		c.find(Bad, "", "the node cannot be asked: see config")
	case c.Client == nil:
		c.find(Bad, "", "the node cannot be asked: %v", c.Unasked)
	case c.Unasked != nil:
		c.find(Bad, "look at the daemon's log; start it anew if it hangs", "the node does not answer: %v", c.Unasked)
	case s.Running:
		c.find(OK, "", "process %d runs since %s and answers", s.PID, s.Started.Format(time.RFC3339))
	case s.PID != 0:
		c.find(Warn, "run doctor as the user whose daemon that is", "process %d has the log open and cannot be asked: what it knows of others is not known here", s.PID)
	default:
		c.find(Note, "\"quipu start --dir "+string(c.Folder)+"\" runs one", "no daemon runs: nothing comes from the others, nothing goes to them, and what it would know of them is not known here")
	}
	for _, err := range c.unanswered {
		c.find(Bad, "look at the daemon's log", "it does not say all: %v", err)
	}
}

// serious are the conditions in which a node does not do its work.
var serious = map[string]bool{"stuck": true, "second writer": true, "read-only": true, "damaged": true}

func (c *Chart) lookAtConditions() {
	for _, condition := range c.status.Conditions {
		severity := Warn
		if serious[condition.Condition] {
			severity = Bad
		}
		c.find(severity, "docs/OPERATIONS.md says what to do about each", "%s: %s", condition.Condition, condition.Why)
	}
	if c.asked() && len(c.status.Conditions) == 0 {
		c.find(OK, "", "nothing keeps the node from having, taking or writing what it could")
	}
}

// lookAtDamage says what was met of damage. It walks nothing.
func (c *Chart) lookAtDamage() {
	for _, condition := range c.status.Conditions {
		if condition.Condition == "damaged" {
			c.find(Bad, "\"quipu repair --dir "+string(c.Folder)+"\" gets back from others what is damaged", "%s", condition.Why)
			return
		}
	}
	if c.asked() {
		c.find(OK, "", "none was met; \"quipu verify\" looks at the whole log")
	} else if _, damaged := errors.AsType[*eventlog.DamagedError](c.Unasked); damaged {
		c.find(Bad, "\"quipu repair --dir "+string(c.Folder)+"\" makes a file of what is left, and gets the rest from others", "%v", c.Unasked)
	}
}
