package monitoring

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/integration/daemon"
)

// aFolderIsCopied runs a copy of a node's folder in the place of the node, and then the folder again: both write with one key.
func aFolderIsCopied(t *testing.T, watch watch) {
	nodes := newCluster(t)
	b, c := nodes[1], nodes[2]
	p := watch(nodes...)
	c.post(t, "/v1/entries", `{"kind":"note"}`)
	p.until(func() string { return missing(p, `quipu_peer_head_seq{instance="c"} == 1`, 2) })
	b.Kill()
	c.Kill()
	copied := *c
	copied.Daemon = &daemon.Daemon{Dir: filepath.Join(filepath.Dir(c.Dir), "copied"), Log: c.Log, Addr: c.Addr, URL: c.URL}
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", c.Dir, copied.Dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	copied.Start(t)
	p.fires("QuipuRecovering", "c", true) // b may know more of its feed
	b.Start(t)
	p.fires("QuipuRecovering", "c", false)
	copied.post(t, "/v1/entries", `{"kind":"note"}`)
	p.until(func() string { return missing(p, `quipu_peer_head_seq{instance="c"} > 1`, 2) })
	copied.Kill()

	p.fires("QuipuForkedAuthor", "b", false)
	c.Quipu(t, "append", "--kind", "note")
	c.Start(t)
	p.fires("QuipuSecondWriter", "c", true)
	for _, n := range nodes {
		p.fires("QuipuForkedAuthor", n.name, true)
	}
}
