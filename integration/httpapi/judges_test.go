package httpapi

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// judges is the folder of those that are written in TypeScript.
const judges = "judges"

// TestJudges has others read the document: a linter, and what makes types of it, by which a client is checked that then
// appends to a node and reads it.
func TestJudges(t *testing.T) {
	if _, err := os.Stat(filepath.Join(judges, "node_modules")); err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatal("no judges here: .ci/judges fetches them")
		}
		t.Skip("no judges here: .ci/judges fetches them")
	}
	node := newNode(t, "node", "")
	if err := os.MkdirAll(filepath.Join(judges, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	doc := document(t, node.socket)
	if err := os.WriteFile(filepath.Join(judges, "build", "openapi.json"), doc, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "node_modules/.bin/redocly", "lint", "build/openapi.json", "--config", "redocly.yaml")
	run(t, "node_modules/.bin/openapi-typescript", "build/openapi.json", "-o", "build/openapi.d.ts")
	run(t, "node_modules/.bin/tsc", "-p", ".")

	secret := session{t, newJudge(t, doc), node.socket}.token(`{"name":"client","scopes":["read","append"]}`)
	t.Setenv("QUIPU_TOKEN", secret)
	run(t, "env", "node", "build/client.js", node.URL)
}

// run runs a program in the folder of the judges, with what npm has brought there before all others.
func run(t *testing.T, program string, args ...string) {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join(judges, "node_modules", ".bin"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = judges
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
