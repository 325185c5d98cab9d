package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/eventlog"
)

const (
	// tokenPause is how often a tail writes its token: what it printed since is printed again by the next
	// one should it be killed.
	tokenPause = 100 * time.Millisecond
	// maxToken is more than the text of a token has, in bytes.
	maxToken = 256
)

// tokenFile keeps in a file where a tail is, for the next one to go on there. The zero tokenFile keeps
// nothing.
type tokenFile struct {
	path string

	mu      sync.Mutex      // guards what follows
	reached eventlog.Cursor // behind the last entry that was printed
	kept    eventlog.Cursor // what the file says
}

// read returns what the file says, the zero cursor where there is none.
func (f *tokenFile) read() (eventlog.Cursor, error) {
	if f.path == "" {
		return eventlog.Cursor{}, nil
	}
	stat, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return eventlog.Cursor{}, nil
	case err != nil:
		return eventlog.Cursor{}, err
	case !stat.Mode().IsRegular():
		return eventlog.Cursor{}, fmt.Errorf("cursor file %s is no regular file, which can be read and written again and again", f.path)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return eventlog.Cursor{}, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxToken))
	var token eventlog.Cursor
	if err = errors.Join(err, file.Close()); err == nil {
		token, err = eventlog.ParseCursor(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return token, fmt.Errorf("cursor file %s: %w; remove it to begin anew", f.path, err)
	}
	return token, nil
}

// reach says that all before at was printed.
func (f *tokenFile) reach(at eventlog.Cursor) {
	f.mu.Lock()
	f.reached = at
	f.mu.Unlock()
}

// keep writes the file anew, whole, if there is something new. A crash finds the old one or the new one.
func (f *tokenFile) keep() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" || f.reached == f.kept {
		return nil
	}
	file, err := makeFile(context.Background(), f.path, true) // no pipe, so nothing is waited for
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintln(file, f.reached); err == nil {
		err = file.keep()
	}
	if err = errors.Join(err, file.drop()); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	f.kept = f.reached
	return nil
}

// keepOn writes the file again and again until ctx ends.
func (f *tokenFile) keepOn(ctx context.Context) error {
	for {
		select {
		case <-time.After(tokenPause):
		case <-ctx.Done():
			return nil
		}
		if err := f.keep(); err != nil {
			return err
		}
	}
}

// runKept is run, beside which the token is kept.
func (t *tail) runKept(ctx context.Context) error {
	if t.token.path == "" {
		return t.run(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.token.keepOn(ctx) })
	group.Go(func() error {
		defer stop()
		return t.run(ctx)
	})
	return group.Wait()
}

// cursorFlag is a flag that takes a token.
type cursorFlag struct{ at *eventlog.Cursor }

func (c cursorFlag) String() string { return "" }
func (c cursorFlag) Type() string   { return "token" }

func (c cursorFlag) Set(s string) (err error) {
	*c.at, err = eventlog.ParseCursor(s)
	return err
}
