//go:build unix

package main

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestAGroupThatDoesNotStopIsKilled: what --exec has started is killed when it does not heed SIGTERM, its
// children too.
func TestAGroupThatDoesNotStopIsKilled(t *testing.T) {
	cmd := exec.Command("sh", "-c", `trap "" TERM; sleep 1000 & echo deaf; wait`)
	setGroup(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != "deaf\n" {
		t.Fatalf("%q, %v", line, err)
	}
	stopGroup(cmd, 50*time.Millisecond)
	if _, err := said.ReadByte(); err == nil {
		t.Error("it goes on")
	} // at its end, once nobody holds the pipe any more
	_ = cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
}
