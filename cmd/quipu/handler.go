package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
)

const (
	// stopFor is how long what --exec has started has to end after SIGTERM, before it is killed.
	stopFor = 10 * time.Second
	// stopPause is how often is looked whether it has.
	stopPause = 20 * time.Millisecond
)

// handler is a command that is given a batch. What it starts stays in a process group of its own, unless
// it takes care not to.
type handler struct {
	command   string
	env       []string
	in        []byte
	out, errs io.Writer
}

// run runs the command, and returns nil when it has exited with 0, whatever it has left running.
//
// When it fails, or is to end since ctx has, all that it has started is stopped before run returns: the
// batch comes again, and is not to meet what still works on it.
func (h *handler) run(ctx context.Context) error {
	cmd := exec.Command("sh", "-c", h.command)
	cmd.Env, cmd.Stdout, cmd.Stderr = h.env, h.out, h.errs
	cmd.WaitDelay = stopFor // of no use where stdout and stderr are files
	setGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	written, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		// A command need not read all that it is given; Wait closes the pipe then.
		_, _ = stdin.Write(h.in)
		_ = stdin.Close()
	}()
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		stopGroup(cmd, stopFor)
	})
	err = cmd.Wait()
	<-written
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has exited with 0
	}
	switch {
	case !unhook():
		<-stopped
		return context.Cause(ctx)
	case err != nil:
		stopGroup(cmd, stopFor)
		return fmt.Errorf("%s: %w", clip.Text(h.command), err)
	}
	return nil
}
