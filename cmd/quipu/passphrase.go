package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/quipulog/quipu/node/folder"
)

// passphraseVariable names the environment variable that holds the passphrase of a sealed key. What a command
// runs does not inherit it.
const passphraseVariable = "QUIPU_KEY_PASSPHRASE"

// passphraseFlag names the flag, and the field of quipu.yaml, that names a file with it.
const passphraseFlag = "key-passphrase-file"

// errNobodyAsked is returned where a person would have to be asked and there is no terminal.
var errNobodyAsked = errors.New("there is no terminal to ask on")

// passphrase returns where the passphrase of a sealed key comes from: from the file that the command line names,
// else from the environment, else from the file that quipu.yaml names, else from the person at the terminal.
func passphrase(ctx context.Context, named, config string) folder.Passphrase {
	p := folder.Passphrase{File: named, TextFrom: "$" + passphraseVariable}
	if named == "" {
		p.Text, p.File = os.Getenv(passphraseVariable), config
	}
	if sitter := personOf(ctx); sitter.there {
		p.Ask = func(path string, try int) ([]byte, error) { return sitter.tell(ctx, path, try) }
	}
	return p
}

// personKey is the key of the person in the context of a command.
type personKey struct{}

// person is who has started a command, at a terminal or nowhere.
type person struct {
	there bool

	mu sync.Mutex
	// told is the passphrase of each key file that was asked for: some commands open a log twice. It is guarded
	// by mu.
	told map[string][]byte
}

// withPerson returns a context in which commands find whoever is at a terminal that is the command's stdin or
// stderr.
func withPerson(ctx context.Context, in io.Reader, errs io.Writer) context.Context {
	p := &person{told: map[string][]byte{}}
	for _, stream := range []any{in, errs} {
		file, ok := stream.(*os.File)
		p.there = p.there || ok && isTerminal(file)
	}
	return context.WithValue(ctx, personKey{}, p)
}

func personOf(ctx context.Context) *person {
	if p, ok := ctx.Value(personKey{}).(*person); ok {
		return p
	}
	return &person{}
}

// tell returns the passphrase of the key file at path, which is asked for once unless it was wrong.
func (p *person) tell(ctx context.Context, path string, try int) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if told, ok := p.told[path]; ok && try == 0 {
		return told, nil
	}
	question := "Passphrase of " + path + ": "
	if try > 0 {
		question = "It does not open the key. " + question
	}
	told, err := p.ask(ctx, question)
	if err != nil {
		return nil, fmt.Errorf("passphrase of %s: %w", path, err)
	}
	p.told[path] = told
	return told, nil
}

// invent returns a new passphrase for the key file at path, which is asked for twice.
func (p *person) invent(ctx context.Context, path string) ([]byte, error) {
	first, err := p.ask(ctx, "New passphrase for "+path+": ")
	if err != nil {
		return nil, err
	}
	again, err := p.ask(ctx, "The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, again) {
		return nil, errors.New("the two passphrases differ: nothing was written")
	}
	return first, nil
}

// ask asks on the terminal for a line, and does not show what is typed. Stdin and stdout may be pipes: they are
// left alone.
func (p *person) ask(ctx context.Context, question string) ([]byte, error) {
	if !p.there {
		return nil, errNobodyAsked
	}
	in, out, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", errNobodyAsked, err)
	}
	defer in.Close()
	defer out.Close()
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", errNobodyAsked, err)
	}
	defer term.Restore(fd, before) // where ctx has ended, the read that is left behind does not
	fmt.Fprint(out, printable(question))
	line, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(out)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(line) == 0:
		return nil, errors.New("nothing was typed")
	}
	return line, nil
}
