package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/quipulog/quipu/node/client"
)

// window is how many moves a node may have got without having acked them: what is in flight when it is
// killed.
const window = 64

// script is what one node has to write, and how far it is.
type script struct {
	*member
	moves []move
	// acked is how many of the moves the node has acked: those before it are durable there.
	acked int
	// notes says that it writes notes beside the moves, noted are those that it has written.
	notes bool
	noted []note
}

// write sends the moves up to end, and calls tick at each ack. Tick's error ends it.
func (s *script) write(ctx context.Context, end int, tick func() error) error {
	if s.acked >= end {
		return nil
	}
	return s.with(ctx, func(c *client.Client) error {
		// The window's slots: one is taken for each move sent and given back when it is acked.
		slots := make(chan struct{}, window)
		lines, into := io.Pipe()
		ctx, cancel := context.WithCancel(ctx)
		sent := s.moves[s.acked:end]
		var sending sync.WaitGroup
		defer sending.Wait()
		defer lines.Close()
		defer cancel()
		sending.Go(func() { send(ctx, into, sent, slots) })
		got := 0
		for _, err := range c.Transition(ctx, lines) {
			if err != nil {
				return err
			}
			<-slots
			got++
			s.acked++
			if err := tick(); err != nil {
				return err
			}
		}
		if got != len(sent) {
			return fmt.Errorf("it acked %d of %d moves", got, len(sent))
		}
		return nil
	})
}

// send writes moves as lines, as slots allow, until it is done, ctx ends, or nobody reads any more.
func send(ctx context.Context, into *io.PipeWriter, moves []move, slots chan<- struct{}) {
	for _, m := range moves {
		line, err := json.Marshal(m.sent())
		if err != nil {
			into.CloseWithError(err)
			return
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			into.CloseWithError(ctx.Err())
			return
		}
		if _, err := into.Write(append(line, '\n')); err != nil {
			return
		}
	}
	into.Close()
}

// resume finds out, after a crash, how far the node is: its own feed holds what it has written, in
// order, acked or not. It returns an error if something acked is missing.
func (s *script) resume(ctx context.Context) (found int, err error) {
	err = s.with(ctx, func(c *client.Client) error {
		f, err := c.Frontier(ctx)
		if err != nil {
			return err
		}
		for _, feed := range f.Authors {
			if feed.Author == s.author {
				found = int(feed.Heads[0].Next) - len(s.noted)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case found < s.acked:
		return found, fmt.Errorf("%s: it had acked %d moves and came back with %d", s.name, s.acked, found)
	case found > len(s.moves):
		return found, fmt.Errorf("%s: it came back with %d moves and had got %d at most", s.name, found, len(s.moves))
	}
	s.acked = found
	return found, nil
}

// errKilled ends the writing to a node that was killed on purpose.
var errKilled = errors.New("killed on purpose")

// writeAndKill writes up to end, and kills the node with SIGKILL once at moves are acked, while more
// are in flight.
func (s *script) writeAndKill(ctx context.Context, at, end int, tick func() error) error {
	err := s.write(ctx, end, func() error {
		if err := tick(); err != nil {
			return err
		}
		if s.acked == at {
			return errors.Join(s.kill(), errKilled)
		}
		return nil
	})
	if errors.Is(err, errKilled) {
		return nil
	}
	return errors.Join(err, s.kill())
}
