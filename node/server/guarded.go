package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/api"
)

// postGuarded appends the moves that the lines of the request hold, but for the first, as long as the
// machine in that allows them. Lines are numbered without it.
func (s *server) postGuarded(w http.ResponseWriter, r *http.Request, _ *none) {
	mayPause(w, r)
	lines := bufio.NewReaderSize(r.Body, 64<<10)
	m, err := readMachine(lines)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{lines, r.Body}
	s.takeMoves(w, r, func(ctx context.Context, moves []transition.Move) ([]eventlog.Appended, error) {
		return s.appendGuarded(ctx, m, moves)
	})
}

// readMachine reads a machine from the first of some lines.
func readMachine(lines *bufio.Reader) (*machine.Machine, error) {
	var buf []byte
	line, err := readLine(lines, &buf)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	m := new(machine.Machine)
	if err := api.Decode(line, m); err != nil {
		return nil, invalid(fmt.Errorf("read the machine of the first line: %w", err))
	}
	return m, m.Validate()
}

// appendGuarded appends moves, all of them or none, each if the machine allows it from the stage that its
// subject is in by then.
func (s *server) appendGuarded(ctx context.Context, m *machine.Machine, moves []transition.Move) ([]eventlog.Appended, error) {
	return appendAll(ctx, s.log, moves, func(tx *eventlog.Tx, move transition.Move) (a eventlog.Appended, err error) {
		a.Place, err = transition.AppendTx(tx, m, move)
		return a, err
	})
}
