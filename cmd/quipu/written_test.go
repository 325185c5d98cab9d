package main

import (
	"context"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// written appends to the log in a folder as a machine would whose wall clock is wrong.
func written(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: written DIR DURATION")
	}
	off, err := time.ParseDuration(args[1])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	key, err := folder.Folder(dir).ReadKey()
	ts.Check(err)
	log, err := eventlog.Open(dir, eventlog.Config{Key: key, Now: func() time.Time { return time.Now().Add(off) }})
	ts.Check(err)
	_, err = log.Append(context.Background(), crdt.Event{Kind: "seen", Retention: crdt.Trimmable})
	ts.Check(err)
	ts.Check(log.Close())
}
