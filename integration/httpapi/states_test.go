package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// states provokes what a running node refuses in states that nobody can bring one into from outside.
func states(t *testing.T, j *judge) {
	event := lines("append", "", `{"kind":"k"}`)
	refused := func(code string) call {
		c := event
		c.code = code
		return c
	}

	t.Run("no daemon", func(t *testing.T) {
		j.do(t, serve(t, server.Config{Log: eventlogtest.Open(t)}), call{op: "listMembers", code: "not-running"})
	})
	t.Run("closed", func(t *testing.T) {
		log := eventlogtest.Open(t)
		node := serve(t, server.Config{Log: log})
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		j.do(t, node, refused("stopping"))
	})
	t.Run("opened for reading", func(t *testing.T) {
		dir := t.TempDir()
		log := eventlogtest.Create(t, dir, eventlog.Config{Key: eventlogtest.Key("self")})
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		reader, err := eventlog.Open(dir, eventlog.Config{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = reader.Close() })
		j.do(t, serve(t, server.Config{Log: reader}), refused("read-only"))
	})
	t.Run("two writers", func(t *testing.T) {
		log, twin := eventlogtest.OpenAs(t, "self"), eventlogtest.OpenAs(t, "self")
		for _, l := range []*eventlog.Log{log, twin} {
			if _, err := l.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		eventlogtest.Exchange(t, twin, log)
		node := serve(t, server.Config{Log: log})
		j.do(t, node, refused("second-writer"))
		j.do(t, node, call{op: "listForks"})
		j.do(t, node, call{op: "getFork", path: map[string]string{"author": log.Author().String()}})
		j.do(t, node, call{op: "listEntries"})
	})
	t.Run("unsure of its own end", func(t *testing.T) {
		genesis := crdt.Genesis{Random: [32]byte{1}}
		log, err := eventlog.Create(t.TempDir(), eventlog.Birth{Genesis: &genesis, Log: genesis.Log(), UsedKey: true}, eventlog.Config{Key: eventlogtest.Key("used")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		node := serve(t, server.Config{Log: log})
		j.do(t, node, refused("recovering"))
		j.do(t, node, call{op: "recover", body: `{"plan":true}`})
		j.do(t, node, call{op: "recover", body: `{"alone":true}`})
	})
	t.Run("full", func(t *testing.T) {
		log, tokens := eventlogtest.Open(t), access.New(t.TempDir())
		err := log.Update(t.Context(), func(tx *eventlog.Tx) (err error) {
			for i := 0; i < api.MaxFollowers && err == nil; i++ {
				err = tx.SetCursor(fmt.Sprint(i), 0)
			}
			return err
		})
		if err = errors.Join(err, tokens.Read()); err != nil {
			t.Fatal(err)
		}
		secret, _, err := tokens.Create(api.TokenRequest{Name: "reader", Scopes: []api.Scope{api.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		network := serving(t, server.NewServer(server.Config{Log: log, Tokens: tokens}).Network())
		one := map[string]string{"name": "one"}
		j.do(t, with{secret, network}, call{op: "fetch", path: one, code: "full"})
	})
	t.Run("not live", func(t *testing.T) {
		j.do(t, serve(t, server.Config{Log: eventlogtest.Open(t), Daemon: unready{}}), call{op: "getLive", code: "not-live"})
	})
	t.Run("not ready", func(t *testing.T) {
		j.do(t, serve(t, server.Config{Log: eventlogtest.Open(t), Daemon: unready{}}), call{op: "getReady", code: "not-ready"})
	})
	for code, err := range map[string]error{
		"no-room":   &eventlog.UncertainError{Err: &fs.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC}},
		"uncertain": &eventlog.UncertainError{Err: syscall.EIO},
		"damaged":   &eventlog.DamagedError{Path: "quipu.db", What: "the file", Err: errors.New("a checksum is another")},
		"internal":  errors.New("a fault"),
	} {
		t.Run(code, func(t *testing.T) {
			j.do(t, serve(t, server.Config{Log: eventlogtest.Open(t), Trimmer: failing{err}}), call{op: "trim", code: code})
		})
	}
}

func serve(t *testing.T, cfg server.Config) http.RoundTripper {
	t.Helper()
	return serving(t, server.New(cfg))
}

// unready is a daemon that others had better not be sent to.
type unready struct{ server.Daemon }

func (unready) Unready() []api.Condition {
	return []api.Condition{{Condition: "recovering", Why: "the folder was copied", Fails: api.DemandReady}}
}

func (unready) Dead() []api.Condition { return unready{}.Unready() }

// failing is a trimmer whose disk, or what else, has failed.
type failing struct{ err error }

func (f failing) Trim(context.Context, *eventlog.TrimPolicy) (eventlog.TrimReport, error) {
	return eventlog.TrimReport{}, f.err
}

func (failing) Holds() []eventlog.Hold { return nil }

func (failing) DescribeTrim(*api.TrimStatus) {}
