package folder

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt/bom"
)

const (
	// maxPassphrase is how many bytes a passphrase's file may have.
	maxPassphrase = 1 << 10
	// maxTries is how often a person is asked for one passphrase.
	maxTries = 3
)

// ErrSealed is returned by [KeyFile.Open] for a sealed key where no passphrase is to be had.
var ErrSealed = errors.New("sealed by a passphrase")

// Passphrase says where the passphrase of a sealed key comes from: from the first field that is not empty. The
// zero value opens what is not sealed.
type Passphrase struct {
	// Text is the passphrase itself.
	Text string
	// TextFrom is where Text is from, for messages.
	TextFrom string
	// File is the path of a file with one line, the passphrase, that only its owner may read or write.
	File string
	// Ask asks a person for the passphrase of the key file at path. Try is 0 the first time, and counts those
	// that did not open it after.
	Ask func(path string, try int) ([]byte, error)
}

// asks reports whether a person is asked.
func (p Passphrase) asks() bool { return p.Text == "" && p.File == "" && p.Ask != nil }

// of returns the passphrase of the key file at path.
func (p Passphrase) of(path string, try int) ([]byte, error) {
	switch {
	case p.Text != "":
		return []byte(p.Text), nil
	case p.File != "":
		return ReadPassphrase(p.File)
	case p.Ask != nil:
		return p.Ask(path, try)
	}
	return nil, fmt.Errorf("%s is %w, and there is no terminal to ask for it on: put it into a file, mode 0600, that key-passphrase-file in quipu.yaml "+
		"or the flag --key-passphrase-file names, or into $QUIPU_KEY_PASSPHRASE", path, ErrSealed)
}

// source says which passphrase it was.
func (p Passphrase) source() string {
	switch {
	case p.Text != "":
		return "that in " + p.TextFrom
	case p.File != "":
		return "that in " + p.File
	}
	return "it"
}

// ReadPassphrase reads a file with one line, a passphrase. It returns [ErrMode] for one that others may read or
// write. Errors never show what the file holds.
func ReadPassphrase(path string) ([]byte, error) {
	file := part{path: path, noun: "passphrase file", expect: "one line, the passphrase of a key", most: maxPassphrase, private: true}
	b, err := file.read()
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	if b, err = bom.Strip(b); err != nil {
		return nil, fmt.Errorf("read passphrase: %s: %w", path, err)
	}
	line, ended := bytes.CutSuffix(b, []byte("\n"))
	if ended {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	switch {
	case len(line) == 0:
		return nil, fmt.Errorf("read passphrase: %w", file.wrong("holds an empty line"))
	case bytes.ContainsAny(line, "\r\n\x00"):
		return nil, fmt.Errorf("read passphrase: %w", file.wrong("holds more than one line"))
	}
	return line, nil
}

// Remembered returns p, where a person who was asked is not asked for the same again.
func (p Passphrase) Remembered() Passphrase {
	if !p.asks() {
		return p
	}
	ask := p.Ask
	var last []byte
	p.Ask = func(path string, try int) (text []byte, err error) {
		if try == 0 && last != nil {
			return last, nil
		}
		last, err = ask(path, try)
		return last, err
	}
	return p
}
