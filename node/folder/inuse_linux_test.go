package folder_test

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/node/folder"
)

// TestAlive: a process that has ended runs no more, though its parent has not asked how it ended.
func TestAlive(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	defer cmd.Wait()
	if !folder.Alive(pid) || !folder.Alive(os.Getpid()) {
		t.Error("a process that runs does not")
	}
	stdin.Close()
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Fatalf("its id is free: %v", err)
	}
	if folder.Alive(pid) {
		t.Error("a process that has ended runs")
	}
}
