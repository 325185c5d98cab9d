//go:build unix

package main

import (
	"os/exec"
	"syscall"
	"time"
)

// setGroup has cmd begin a process group.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// stopGroup ends the processes of the group that cmd has begun: with SIGTERM, and with SIGKILL those that
// are still there after grace. It returns once none is left, as far as that can be told: one that has
// ended counts as long as nobody has waited for it.
func stopGroup(cmd *exec.Cmd, grace time.Duration) {
	group := -cmd.Process.Pid
	if syscall.Kill(group, syscall.SIGTERM) != nil {
		return // there is none
	}
	tick := time.NewTicker(stopPause)
	defer tick.Stop()
	for giveUp := time.After(grace); ; {
		select {
		case <-tick.C:
			if syscall.Kill(group, 0) != nil {
				return
			}
		case <-giveUp:
			_ = syscall.Kill(group, syscall.SIGKILL)
			return
		}
	}
}
