package main

import (
	"testing"

	"github.com/spf13/cobra"
)

// needsFolder are the commands that work on a node's folder, and why they cannot ask a server.
var needsFolder = map[string]string{
	"quipu init":       "it makes the folder",
	"quipu start":      "it is the daemon of the folder",
	"quipu restore":    "it makes the folder",
	"quipu doctor":     "what it looks at is the folder, and the machine that it is on",
	"quipu page":       "a code to sign in with is made over the node's socket alone",
	"quipu key show":   "a key is a file of the folder, and does not travel",
	"quipu key export": "a key is a file of the folder, and does not travel",
}

// TestEveryNodeCanBeAskedFromAfar: a command that asks a node takes the address of a server, or needs the folder for a
// reason.
func TestEveryNodeCanBeAskedFromAfar(t *testing.T) {
	afar, needs := 0, make(map[string]bool)
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		flags, path := cmd.Flags(), cmd.CommandPath()
		if flags.Lookup("dir") == nil {
			return
		}
		server := flags.Lookup("server")
		switch {
		case server == nil:
			t.Errorf("%s takes --dir, and says nothing of --server", path)
		case !server.Hidden && flags.Lookup("token-file") != nil && needsFolder[path] == "":
			afar++
		case server.Hidden && needsFolder[path] != "":
			needs[path] = true
		default:
			t.Errorf("%s: taken at a server: %t; why it needs the folder: %q", path, !server.Hidden, needsFolder[path])
		}
	})
	for path := range needsFolder {
		if !needs[path] {
			t.Errorf("%s needs the folder: there is no such command", path)
		}
	}
	if afar < 39 {
		t.Errorf("%d commands ask servers", afar)
	}
}
