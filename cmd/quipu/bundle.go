package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog/whole"
)

func newBundle() *cobra.Command {
	return group(&cobra.Command{
		Use:   "bundle create|apply|show",
		Short: "Carry entries in files, where no network does",
		Long: `A bundle is a file with entries in it, to be carried to nodes that cannot be
reached over a network. What is in it is verified as what a peer sends is, so a
bundle can be applied by anyone who has the log, twice, and in any order; one
that is cut off or damaged brings what is whole in it, and the rest is named.`,
		Example: `  quipu bundle create --dir a all.bundle
  quipu bundle apply --dir b all.bundle`,
	}, newBundleCreate(), newBundleApply(), newBundleShow())
}

// newFile is a file that takes its name only once it is complete, or a pipe or device that is written to as
// it is; see package whole for what a crash leaves.
type newFile struct {
	io.Writer
	path  string
	force bool        // it may take the place of another file
	whole *whole.File // nil for a pipe
	pipe  *os.File    // nil for a file
}

// errExists is the error for a file that would be replaced.
func errExists(path string) error {
	return fmt.Errorf("%s is there already: give --force to replace it", path)
}

// errScreen is returned by makeFile for a terminal.
var errScreen = errors.New("is a terminal")

// noText is the error for a terminal that a bundle or a backup would be written to.
func noText(cmd *cobra.Command, terminal string) error {
	what, _, _ := strings.Cut(strings.TrimPrefix(cmd.CommandPath(), "quipu "), " ")
	return usagef("%s %w, and a %s is no text: name a file, or give it to another program, as in %q", terminal, errScreen, what, helpOf(cmd))
}

// makeFile begins a file, mode 0600, to stand at path, or opens what is there and no file, as a pipe is:
// then it waits until somebody opens the other end, or ctx ends.
func makeFile(ctx context.Context, path string, force bool) (*newFile, error) {
	stat, err := os.Stat(path)
	switch {
	case path == "":
		return nil, usagef("FILE is empty: expected the name of a file, or - for stdout")
	case err == nil && stat.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case err == nil && !stat.Mode().IsRegular():
		pipe, err := await(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
		if err == nil && isScreen(pipe) {
			return nil, errors.Join(errScreen, pipe.Close())
		}
		return &newFile{Writer: unhurried{ctx, pipe}, pipe: pipe}, err
	case err == nil && !force:
		return nil, errExists(path)
	}
	file, err := whole.Create(path, 0o600)
	if err != nil {
		return nil, err
	}
	return &newFile{Writer: file, path: path, force: force, whole: file}, nil
}

// keep gives the file its name, once all of it is on disk.
func (f *newFile) keep() error {
	if f.pipe != nil {
		return f.pipe.Close()
	}
	if _, err := os.Stat(f.path); err == nil && !f.force {
		return errExists(f.path)
	}
	return f.whole.Keep()
}

// drop takes the file away unless it was kept.
func (f *newFile) drop() error {
	if f.whole != nil {
		return f.whole.Drop()
	}
	if err := f.pipe.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// size returns a number of bytes for people.
func size(n int64) string {
	const k = 1000
	if n < k {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		if value /= k; value < k {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// copyTo calls write with what path names: a new file, or stdout for "-".
func copyTo(cmd *cobra.Command, path string, force bool, write func(io.Writer) error) error {
	if path == stdio && toScreen(cmd.OutOrStdout()) {
		return noText(cmd, "stdout")
	}
	if path == stdio {
		err := write(cmd.OutOrStdout())
		if errors.Is(err, errReaderLeft) { // who reads a part of it has nothing
			err = fmt.Errorf("stdout: %v before all of it was written", errReaderLeft)
		}
		return err
	}
	file, err := makeFile(cmd.Context(), path, force)
	if errors.Is(err, errScreen) {
		return noText(cmd, path)
	}
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = context.Cause(cmd.Context())
	}
	if err == nil {
		err = file.keep()
	}
	return errors.Join(err, file.drop())
}
