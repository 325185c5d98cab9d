package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Without this a closed pipe on stdout kills the process; a write then returns EPIPE instead. It is not
	// ignored, which the commands of follow --exec would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// stopSignals returns the signals that end a command cleanly: SIGHUP too, when the terminal goes, unless
// whoever started the command had it ignored, as nohup does.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// run runs the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	ctx = withPerson(ctx, in, errs)
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(output{unhurried{ctx, onScreen(out)}})
	told := newOutlet(onScreen(errs))
	root.SetErr(told)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if code != exitDone {
		fmt.Fprintf(told, "quipu: %s\n", printable(once(err)))
	}
	told.close(ctx, cmd.Name() != startName)
	return code
}
