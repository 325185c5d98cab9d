package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// deafKey is where a script keeps its deaf daemons.
const deafKey = "deaf daemons"

// deaf is a daemon that takes every call, tells its status and that it knows no author, and answers nothing else.
type deaf struct {
	listener net.Listener
	calls    chan string // the first line of each call that is not answered
	conns    chan net.Conn
}

func deafCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: deaf start|called|kill DIR ...")
	}
	all := ts.Value(deafKey).(map[string]*deaf)
	what, dir := args[0], args[1]
	switch d := all[dir]; what {
	case "start":
		listener, err := folder.Folder(ts.MkAbs(dir)).Listen(context.Background())
		ts.Check(err)
		d = &deaf{listener, make(chan string, 8), make(chan net.Conn, 8)}
		all[dir] = d
		ts.Defer(func() { listener.Close() })
		go d.serve()
	case "called":
		select {
		case line := <-d.calls:
			if !strings.Contains(line, args[2]) {
				ts.Fatalf("%q was called, want %s", line, args[2])
			}
		case <-time.After(patience):
			ts.Fatalf("%s was not called within %s", args[2], patience)
		}
	case "kill":
		ts.Check(d.listener.Close())
		for len(d.conns) > 0 {
			(<-d.conns).Close()
		}
	default:
		ts.Fatalf("unknown deaf %s", what)
	}
}

func (d *deaf) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		go d.listen(conn)
	}
}

// listen reads a call. One that looks whether somebody is there says nothing.
func (d *deaf) listen(conn net.Conn) {
	call, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		conn.Close()
		return
	}
	if answer := map[string]string{"/v1/status": "{}", "/v1/authors": "[]"}[call.URL.Path]; answer != "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+api.NodeHeader+": 1\r\nContent-Length: 2\r\n\r\n"+answer)
		conn.Close()
		return
	}
	d.conns <- conn
	d.calls <- call.URL.Path
}
