package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/term"
)

// leaving is how long a write may take once the command is to end: one to somebody who reads is done by
// then.
const leaving = time.Second

// unhurried is a writer to somebody who may not read, such as a pipe. A Write ends with ctx's cause soon
// after ctx has ended; what it waits in is left behind then.
type unhurried struct {
	ctx context.Context
	w   io.Writer
}

func (u unhurried) Write(b []byte) (int, error) {
	b = bytes.Clone(b) // the caller's own may be written to before it is left behind
	done := make(chan struct{})
	var n int
	var err error
	go func() {
		defer close(done)
		n, err = u.w.Write(b)
	}()
	select {
	case <-done:
		return n, err
	case <-u.ctx.Done():
	}
	select {
	case <-done:
		return n, err
	case <-time.After(leaving):
		return 0, context.Cause(u.ctx)
	}
}

// errReaderLeft is returned by writing to stdout when nobody reads it any more.
var errReaderLeft = errors.New("the reader closed the pipe")

// output is stdout. It tells a closed pipe there from one to a daemon.
type output struct{ unhurried }

func (o output) Write(b []byte) (int, error) {
	n, err := o.unhurried.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		err = errReaderLeft
	}
	return n, err
}

// buffered gathers what is written, for to; Flush hands it on.
type buffered struct {
	*bufio.Writer
	to io.Writer
}

func newBuffered(to io.Writer) buffered { return buffered{bufio.NewWriterSize(to, 64<<10), to} }

// bare returns what a command's stdout or stderr is written to, for another program to write to: a file
// where it is one, whatever is written.
func bare(w io.Writer) io.Writer {
	switch w := w.(type) {
	case buffered:
		return bare(w.to)
	case output:
		return unscreened(w.w)
	case *outlet:
		return unscreened(w.out)
	}
	return w
}

// isTerminal reports whether a person is at file: not where it is another device, as /dev/null and /dev/full are.
func isTerminal(file *os.File) (is bool) {
	conn, err := file.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) { is = term.IsTerminal(int(fd)) })
	}
	return err == nil && is
}
