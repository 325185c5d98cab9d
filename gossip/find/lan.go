package find

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Found is an address where a node may be.
type Found struct {
	Author crdt.Author // who is said to be there; zero if nobody knows
	Addr   string      // IP:PORT
}

// LAN announces a node on the networks that this machine is connected to, and looks for others that
// keep the same log. Log, Author and Listen are required.
type LAN struct {
	Log    crdt.LogID
	Author crdt.Author
	// Listen is the address listened on, with the port that was taken. An unspecified IP stands for the
	// addresses of all interfaces; a loopback address is not announced, since nobody else reaches it.
	Listen netip.AddrPort
	Logger *slog.Logger // nil discards
}

const (
	// firstPause is the time between the first two questions; it doubles up to lastPause (RFC 6762,
	// section 5.2).
	firstPause = 2 * time.Second
	lastPause  = time.Minute
	// listenTime is how long answers to a question are waited for.
	listenTime = time.Second
	// maxMissed is how many questions in a row a node may leave unanswered before it is forgotten.
	maxMissed = 3
	// maxFound bounds the addresses that are kept.
	maxFound = 256
)

// sighting is when an address was last seen, in questions asked so far.
type sighting map[Found]int

// Run announces and asks until ctx ends, which it notices within a second. After each question it calls
// seen with everything that was seen lately, sorted; the slice belongs to seen.
//
// Interfaces that come and go are followed. Where multicast is not available Run says so once in the
// log and goes on trying.
func (l LAN) Run(ctx context.Context, seen func([]Found)) {
	l.Logger = cmp.Or(l.Logger, slog.New(slog.DiscardHandler))
	voice := &voice{lan: l, speaking: make(map[string]speaker)}
	defer voice.stop()
	last := make(sighting)
	complaints := &complaints{logger: l.Logger}
	if l.Listen.Addr().IsLoopback() {
		l.Logger.Warn("mdns: this node listens on loopback only: it looks for others and does not announce itself", "addr", l.Listen)
	}
	pause := firstPause
	for round := 0; ctx.Err() == nil; round++ {
		ports, err := interfaces()
		if err == nil && len(ports) == 0 {
			err = errors.New("no interface of this machine is up and can multicast")
		}
		speaking := voice.follow(ports)
		found, asking := l.ask(ctx, ports)
		complaints.take(errors.Join(err, speaking, asking))
		last.take(found, round)
		seen(last.all())
		select {
		case <-ctx.Done():
		case <-time.After(pause*3/4 + rand.N(pause/2)):
		}
		pause = min(2*pause, lastPause)
	}
}

// take adds what a question found and forgets what has been silent.
func (s sighting) take(found []Found, round int) {
	for _, f := range found {
		if _, known := s[f]; known || len(s) < maxFound {
			s[f] = round
		}
	}
	for f, last := range s {
		if round-last >= maxMissed {
			delete(s, f)
		}
	}
}

func (s sighting) all() []Found {
	all := make([]Found, 0, len(s))
	for f := range s {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Found) int {
		if c := a.Author.Compare(b.Author); c != 0 {
			return c
		}
		return strings.Compare(a.Addr, b.Addr)
	})
	return all
}

// complaints logs what does not work, once.
type complaints struct {
	logger *slog.Logger
	warned bool
}

// take logs an error: the first as a warning, others for those who debug.
func (c *complaints) take(err error) {
	switch {
	case err == nil:
	case c.warned:
		c.logger.Debug("mdns", "err", err)
	default:
		c.warned = true
		c.logger.Warn("mdns: multicast does not work on every interface; trying on", "err", err)
	}
}
