package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// postGuarded appends the moves that the lines of the request hold, but for the first, as long as the
// machine in that allows them. Lines are numbered without it.
func (s *server) postGuarded(w http.ResponseWriter, r *http.Request) {
	lines := bufio.NewReaderSize(r.Body, 64<<10)
	m, err := readMachine(lines)
	if err != nil {
		s.refuse(w, err)
		return
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{lines, r.Body}
	s.takeMoves(w, r, func(ctx context.Context, moves []transition.Move) ([]crdt.Place, error) {
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
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, invalid(fmt.Errorf("read the machine of the first line: %w", err))
	}
	return m, m.Validate()
}

// appendGuarded appends moves, all of them or none, each if the machine allows it from the stage that its
// subject is in by then.
func (s *server) appendGuarded(ctx context.Context, m *machine.Machine, moves []transition.Move) (places []crdt.Place, err error) {
	// What has arrived is taken in first, in short transactions of its own.
	if err := transition.CatchUp(ctx, s.log); err != nil {
		return nil, err
	}
	err = s.log.Update(ctx, func(tx *eventlog.Tx) error {
		for _, move := range moves {
			place, err := transition.AppendTx(tx, m, move)
			if err != nil {
				return err
			}
			places = append(places, place)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return places, nil
}
