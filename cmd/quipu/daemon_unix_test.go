//go:build unix

package main

import "syscall"

func init() {
	signals["pause"], signals["resume"] = syscall.SIGSTOP, syscall.SIGCONT
}
