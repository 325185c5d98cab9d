package integration

import (
	"bufio"
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalEndsAppendThatWaits sends SIGTERM to an append whose input has not ended. It stops without
// waiting for more, says with its exit code that it did not come to the end, and what it printed stays.
func TestSignalEndsAppendThatWaits(t *testing.T) {
	m := newCluster(t, 1)[0]
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, "append", "--dir", m.dir, "--ndjson")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer giveUp.Stop()
	if _, err := stdin.Write([]byte("{\"kind\":\"k\",\"subject\":\"one\"}\n")); err != nil {
		t.Fatal(err)
	}
	place, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("SIGTERM ended it with %v, want exit code 1; it said %q", exit, &stderr)
	}
	all := m.entries()
	if len(all) != 1 || all[0].place() != strings.TrimSpace(place) {
		t.Errorf("printed %q, the log holds %v", place, all)
	}
}
