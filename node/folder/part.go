package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrMode is returned for a file that others than its owner may read or write and that is to be theirs
// alone: a key, a secret, the configuration.
var ErrMode = errors.New("open to others than its owner")

// part is one of the files that a node consists of, as far as reading it goes. What is lost or spoilt of a
// node is never taken for its beginning: every error names the file, what was expected and the ways out.
type part struct {
	path    string
	noun    string // what the file is called in messages
	expect  string // what it should hold
	ways    string // what can be done when it does not
	most    int    // bytes that it may have
	private bool   // only its owner may read or write it
}

// read returns what the file holds: more than nothing, and at most most bytes. It follows links, and never
// waits for a pipe.
func (p *part) read() ([]byte, error) {
	file, err := os.OpenFile(p.path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, p.unopened(err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, p.unopened(err)
	}
	if !stat.Mode().IsRegular() {
		return nil, p.wrong("is " + kindOf(stat.Mode()))
	}
	if p.private {
		if err := checkMode(p.noun, p.path, stat.Mode()); err != nil {
			return nil, err
		}
	}
	b, err := io.ReadAll(io.LimitReader(file, int64(p.most)+1))
	switch {
	case err != nil:
		return nil, p.unopened(err)
	case len(b) == 0:
		return nil, p.wrong("is empty")
	case len(b) > p.most:
		return nil, p.wrong(fmt.Sprintf("has more than %d bytes", p.most))
	case len(bytes.Trim(b, "\x00")) == 0:
		return nil, p.wrong("holds nothing but zero bytes")
	}
	return b, nil
}

// unopened says that the file is not there, or cannot be read; it wraps err.
func (p *part) unopened(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &partError{p, absence(p.path), err}
	}
	return &partError{p, fmt.Sprintf("cannot be read (%v)", reason(err)), err}
}

// wrong says what the file is instead of what was expected.
func (p *part) wrong(what string) error { return &partError{p, what, nil} }

// partError says what is the matter with a part of a node.
type partError struct {
	part *part
	what string
	err  error // of the system; nil if the file itself is at fault
}

func (e *partError) Error() string {
	text := fmt.Sprintf("%s %s: expected %s", e.part.path, e.what, e.part.expect)
	if e.part.ways != "" {
		text += "; " + e.part.ways
	}
	return text
}

func (e *partError) Unwrap() error { return e.err }

// reason returns the error of the system in err, without the path that another text names already.
func reason(err error) error {
	if fault, ok := errors.AsType[*fs.PathError](err); ok {
		return fault.Err
	}
	return err
}

// absence says how a file is not there.
func absence(path string) string {
	if to, err := os.Readlink(path); err == nil {
		return fmt.Sprintf("is a link to %s, where there is nothing", to)
	}
	return "is missing"
}

// kindOf says what a file is that is no regular one.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// checkMode refuses a file that others than its owner may read or write: nobody can tell who has done so
// already, so the mode is for a person to judge, not to be mended here.
func checkMode(noun, path string, mode fs.FileMode) error {
	if perm := mode.Perm(); modesMatter && perm&0o077 != 0 {
		return fmt.Errorf("the %s is %w: %s has mode %04o, not 0600; if nobody else has used that, chmod 600 it", noun, ErrMode, path, perm)
	}
	return nil
}
