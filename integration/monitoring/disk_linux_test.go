package monitoring

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// aDiskFails has the syncs of a node fail, and then take long; and takes from it the files that it may open.
func aDiskFails(t *testing.T, watch watch) {
	n := newNode(t, "a", "")
	n.post(t, "/v1/entries", `{"kind":"note","retention":"trimmable"}`)
	p := watch(n)

	stop := n.syncs(t, "error=EIO:delay_enter=3000000") // so that the node does not give up before it is looked at
	if answer, err := n.call(t.Context(), http.MethodPost, "/v1/entries", n.writer, `{"kind":"note"}`); err == nil || !strings.Contains(err.Error(), `"uncertain"`) {
		t.Errorf("where no sync succeeds, %v was answered, and %v", answer, err)
	}
	p.fires("QuipuReadOnly", "a", true)
	stop()
	p.fires("QuipuReadOnly", "a", false)
	p.fires("QuipuAppendsFail", "a", true)

	for range 2 {
		stop := n.syncs(t, "error=EIO:when=1")
		if out, err := n.Try(t, "trim", "--min-age", "0", "--min-count", "0", "--force"); err == nil {
			t.Errorf("a log was trimmed while its disk failed: %s", out)
		}
		stop()
	}
	p.fires("QuipuTrimFails", "a", true)

	p.fires("QuipuSyncSlow", "a", false)
	stop = n.syncs(t, "delay_enter=700000")
	for range 3 {
		n.post(t, "/v1/entries", `{"kind":"note"}`)
	}
	stop()
	p.fires("QuipuSyncSlow", "a", true)

	p.fires("QuipuFilesRunOut", "a", false)
	for _, s := range p.query(`process_open_fds{instance="a"}`) {
		open, err := strconv.Atoi(fmt.Sprint(s.Value[1]))
		if err != nil {
			t.Fatal(err)
		}
		n.mayOpen(t, open*9/8+1)
	}
	p.fires("QuipuFilesRunOut", "a", true)
	n.mayOpen(t, 1024)
	p.fires("QuipuFilesRunOut", "a", false)
}

// syncs has the syncs of the node's log be as strace injects it, until stop is called.
func (n *node) syncs(t *testing.T, as string) (stop func()) {
	t.Helper()
	cmd := exec.Command(tool(t, "strace"), "-f", "-p", strconv.Itoa(n.PID()), "-P", filepath.Join(n.Dir, "quipu.db"),
		"-e", "trace=fdatasync", "-e", "inject=fdatasync:"+as)
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(says)
	first, err := lines.ReadString('\n')
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, lines) // it ends with the process
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // an error where it has ended
		<-over
		_ = cmd.Wait() // by that signal
	}
	if !strings.Contains(first, "attached") {
		stop()
		lacking(t, fmt.Sprintf("failing a disk needs the right to trace: %q, %v", first, err))
	}
	return stop
}

// mayOpen bounds the files that the node may have open.
func (n *node) mayOpen(t *testing.T, files int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, "prlimit"), "--pid", strconv.Itoa(n.PID()), fmt.Sprintf("--nofile=%d:", files)).CombinedOutput()
	if err != nil {
		t.Fatalf("prlimit: %v: %s", err, out)
	}
}
