//go:build !unix

package main

import (
	"os/exec"
	"time"
)

// setGroup does nothing: there are no process groups here.
func setGroup(*exec.Cmd) {}

// stopGroup ends cmd itself.
func stopGroup(cmd *exec.Cmd, _ time.Duration) { _ = cmd.Process.Kill() }
