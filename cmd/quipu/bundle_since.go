package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// maxFrontier bounds the JSON form of a frontier that is read, in bytes: 256 for each head of a bundle.
const maxFrontier = bundle.MaxHeads * 256

// readSince reads what the flag --since names. Nothing is left out when it is empty.
func readSince(cmd *cobra.Command, dir, name string) (api.Since, error) {
	if name == "" {
		return api.Since{}, nil
	}
	f, err := readFrontier(cmd, name)
	if err == nil {
		return api.Since{Frontier: &f}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) || strings.ContainsAny(name, `/\`) {
		return api.Since{}, fmt.Errorf("--since: %w", err)
	}
	if serverOf(cmd.Context()) != nil {
		return api.Since{}, usagef("--since %q: there is no such file, and which peers a node remembers stands in its folder: expected a frontier or a bundle with --server", name)
	}
	return sincePeer(dir, name)
}

// readFrontier reads a frontier, or that up to which a bundle leads, from a file or from stdin (-).
func readFrontier(cmd *cobra.Command, path string) (api.Frontier, error) {
	return readFrontierAs(cmd, path, parseFrontier)
}

// readFrontierAs reads a frontier in the way that parse does. The error says which file it is about.
func readFrontierAs(cmd *cobra.Command, path string, parse func(*bufio.Reader) (api.Frontier, error)) (api.Frontier, error) {
	in, err := openInput(cmd, path)
	if err != nil {
		return api.Frontier{}, err
	}
	defer in.Close()
	f, err := parse(bufio.NewReader(in))
	if err != nil {
		return api.Frontier{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// parseFrontier reads a frontier in JSON, or that up to which a bundle leads.
func parseFrontier(r *bufio.Reader) (api.Frontier, error) {
	begin, err := r.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return api.Frontier{}, err
	}
	if string(begin) == "q" {
		head, err := bundle.ReadHead(r)
		return api.FrontierOf(head.Upto), err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFrontier))
	if err != nil {
		return api.Frontier{}, err
	}
	var f api.Frontier
	if err := api.Decode(text, &f); err != nil {
		return api.Frontier{}, fmt.Errorf("neither a bundle nor what quipu frontier --format json prints: %w", err)
	}
	_, err = f.Held()
	return f, err
}

// sincePeer returns what a peer that is remembered is known to hold.
func sincePeer(dir, name string) (api.Since, error) {
	if err := folder.Folder(dir).Check(); err != nil {
		return api.Since{}, err
	}
	peers, err := folder.Folder(dir).ReadPeers(time.Now())
	if err != nil {
		return api.Since{}, fmt.Errorf("--since: %w", err)
	}
	var found []folder.Peer
	for _, p := range peers {
		if isTyped(name, p.Author, p.Name) {
			found = append(found, p)
		}
	}
	_, err = age.ParseTime(name, time.Now())
	switch {
	case len(found) == 0 && err == nil:
		return api.Since{}, usagef("--since %q: expected a frontier, a bundle or a peer, and not a time: what is left out of a bundle is what is held somewhere", name)
	case len(found) == 0:
		return api.Since{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("--since %q: there is no such file, and no peer of that name or author is remembered here", clip.Text(name))}
	case len(found) > 1:
		return api.Since{}, usagef("--since %q: %d peers are called that: give the first digits of the author", clip.Text(name), len(found))
	case found[0].EqualOffset == 0 || found[0].Incarnation == "":
		return api.Since{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("--since %q: this node has not been equal with that peer yet: have it print its frontier", clip.Text(name))}
	}
	return api.Since{Offset: found[0].EqualOffset, Incarnation: found[0].Incarnation}, nil
}
