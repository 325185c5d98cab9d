package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/folder"
)

// trimFlags are the flags of quipu start that say what the node forgets. Those that point were given when
// they are not nil.
type trimFlags struct {
	age, every             *age.Age
	count, maxHold         *uint64
	waits                  string
	keepBodies, keepPruned bool
}

func (t *trimFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(ageFlag{&t.age}, "trim-age", "how old a trimmable entry is at least when its body goes; 0 for no age (default 14d)")
	f.Var(countFlag{&t.count}, "trim-count", "how many entries of its author stand above it at least; 0 for none (default 10000)")
	f.Var(ageFlag{&t.every}, "trim-every", "how often the log is trimmed; 0 only when asked to (default 1h)")
	f.Var(countFlag{&t.maxHold}, "trim-max-hold", "how many entries behind somebody may be who keeps back a trim (default 1000000)")
	f.Var(&choice{&t.waits, []string{folder.WaitsForFollowers, folder.WaitsForMembers}}, "trim-waits", "who keeps back a trim: followers, or members as well")
	t.waits = folder.WaitsForFollowers
	f.BoolVar(&t.keepBodies, "keep-bodies", false, "keep the bodies of trimmable entries for ever")
	f.BoolVar(&t.keepPruned, "keep-pruned", false, "keep what authors have given leave to forget")
}

// override puts what the flags say in the place of what file says.
func (t *trimFlags) override(cmd *cobra.Command, file *folder.Config) error {
	if t.age != nil {
		file.TrimAge = t.age
	}
	if t.count != nil {
		file.TrimCount = t.count
	}
	if t.every != nil {
		file.TrimEvery = t.every
	}
	if t.maxHold != nil {
		file.TrimMaxHold = t.maxHold
	}
	given := cmd.Flags().Changed
	if given("trim-waits") {
		file.TrimWaits = t.waits
	}
	if given("keep-bodies") {
		file.KeepBodies = t.keepBodies
	}
	if given("keep-pruned") {
		file.KeepPruned = t.keepPruned
	}
	if err := file.CheckTrim(); err != nil {
		return usagef("--%s", strings.TrimPrefix(err.Error(), "field "))
	}
	return nil
}
