package node_test

import (
	"strconv"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/folder"
)

// TestSettingsTellTheDefaults: what quipu.yaml and the help of start call the default is what holds.
func TestSettingsTellTheDefaults(t *testing.T) {
	want := map[string]string{
		"listen": node.DefaultListen, "profile": string(gossip.LAN),
		"max-branches": strconv.Itoa(crdt.DefaultMaxBranches), "max-authors": strconv.Itoa(eventlog.DefaultMaxAuthors),
		"max-new-authors": strconv.Itoa(gossip.DefaultNewAuthors), "author-share": strconv.Itoa(node.DefaultAuthorShare),
		"trim-age": age.Age(eventlog.DefaultMinAge).String(), "trim-count": strconv.Itoa(eventlog.DefaultMinCount),
		"trim-max-hold": strconv.Itoa(eventlog.DefaultMaxHold),
	}
	for _, s := range folder.Settings {
		if text, known := want[s.Name]; known && s.Default != text {
			t.Errorf("%s: the default is %s, told is %s", s.Name, text, s.Default)
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("no settings: %v", want)
	}
}
