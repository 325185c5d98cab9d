package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newBundle() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle create|apply|show",
		Short: "Carry entries in files, where no network does",
		Long: `A bundle is a file with entries in it, to be carried to nodes that cannot be
reached over a network. What is in it is verified as what a peer sends is, so a
bundle can be applied by anyone who has the log, twice, and in any order; one
that is cut off or damaged brings what is whole in it, and the rest is named.

  quipu bundle create --dir a all.bundle
  quipu bundle apply --dir b all.bundle`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("expected create, apply or show")
			}
			return unknown("command", args[0], commandNames(cmd))
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // Args never lets it run
	}
	cmd.AddCommand(newBundleCreate(), newBundleApply(), newBundleShow())
	return cmd
}

// stdio is the name that stands for stdin or stdout.
const stdio = "-"

// openBundle opens a file, or stdin for "-", which a signal ends even while it waits.
func openBundle(cmd *cobra.Command, path string) (io.ReadCloser, error) {
	if path == stdio {
		return io.NopCloser(interruptible(cmd.Context(), cmd.InOrStdin())), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	stat, err := file.Stat()
	if err == nil && stat.IsDir() {
		err = fmt.Errorf("read bundle: %s is a folder", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// newFile is a file that takes its name only once it is complete.
//
// A crash, or an error before keep, leaves nothing under that name that was not there before; a crash may
// leave a file beside it whose name begins with a dot.
type newFile struct {
	*os.File
	path  string
	force bool // it may take the place of another file
	moved bool
}

// errExists is the error for a file that would be replaced.
func errExists(path string) error {
	return fmt.Errorf("%s is there already: give --force to replace it", path)
}

// makeFile begins a file, mode 0600, beside path. What path leads to and is no file, as a pipe is, is
// written to as it is.
func makeFile(path string, force bool) (*newFile, error) {
	stat, err := os.Stat(path)
	switch {
	case path == "":
		return nil, usagef("FILE is empty: expected the name of a file, or - for stdout")
	case err == nil && stat.IsDir():
		return nil, fmt.Errorf("%s is a folder", path)
	case err == nil && !stat.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &newFile{File: file, moved: true}, err
	case err == nil && !force:
		return nil, errExists(path)
	case err == nil:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		if fault, ok := errors.AsType[*fs.PathError](err); ok {
			err = fault.Err // The name in it is not the one that was given.
		}
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	return &newFile{File: file, path: path, force: force}, nil
}

// keep gives the file its name, once all of it is on disk.
func (f *newFile) keep() error {
	if f.moved {
		return f.Close()
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if _, err := os.Lstat(f.path); err == nil && !f.force {
		return errExists(f.path)
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.moved = true
	return syncFolder(filepath.Dir(f.path))
}

// drop takes the file away unless it was kept.
func (f *newFile) drop() error {
	err := f.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if !f.moved {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// syncFolder makes a name in a folder last. Systems that cannot sync a folder do without.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync()
	return dir.Close()
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
	if path == stdio {
		return write(cmd.OutOrStdout())
	}
	file, err := makeFile(path, force)
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
