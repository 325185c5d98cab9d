package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// stdio is the name that stands for stdin or stdout; devStdin is that of stdin to the system.
const (
	stdio    = "-"
	devStdin = "/dev/stdin"
)

// input is what a FILE of the command line names: a file, a pipe, a terminal, or stdin.
type input struct {
	io.Reader           // ends with the command's context, even while it waits for somebody to write
	file      io.Closer // nil for stdin
	// again says that it can be read once more by opening it again. A pipe cannot.
	again bool
}

// openInput opens the file at path, or stdin for "-". It ends with the command's context even while a
// pipe waits for somebody to open its other end.
func openInput(cmd *cobra.Command, path string) (*input, error) {
	ctx := cmd.Context()
	if path == stdio || path == devStdin {
		in := cmd.InOrStdin()
		cmd.Root().SetIn(taken{})
		return &input{Reader: interruptible(ctx, in)}, nil
	}
	file, err := await(ctx, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err == nil && stat.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if stat.Mode().IsRegular() {
		return &input{Reader: file, file: file, again: true}, nil
	}
	return &input{Reader: interruptible(ctx, file), file: file}, nil
}

func (i *input) Close() error {
	if i.file == nil {
		return nil
	}
	return i.file.Close()
}

// taken is stdin once a part of the command line has it.
type taken struct{}

func (taken) Read([]byte) (int, error) { return 0, usagef("stdin (-) can be read only once") }

// readInput reads what path names, or stdin for "-". Of one that is longer than most it returns a byte
// more, so that too long is told from just long enough.
func readInput(cmd *cobra.Command, path string, most int64) ([]byte, error) {
	in, err := openInput(cmd, path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	return b, errors.Join(err, in.Close())
}

// waits reports whether there is something to read in file that nobody types; it reads nothing.
func waits(file *os.File) bool {
	stat, err := file.Stat()
	switch {
	case err != nil || stat.Mode()&os.ModeCharDevice != 0:
		return false
	case stat.Mode().IsRegular():
		at, err := file.Seek(0, io.SeekCurrent)
		return err == nil && at < stat.Size()
	}
	return unread(file) > 0
}

// await returns what fn does, or the cause of ctx's end, even while fn waits. It is left behind then, with
// whatever it holds: the process is about to end.
func await[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := fn()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// interruptible returns a reader of r that ends with ctx's cause once ctx ends, even while r waits for
// somebody to type. A Read of r that waits then is left behind.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}
