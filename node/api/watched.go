package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	// KeepAlive is how often a node says that it lives while a [Client]'s call has nothing else to say: with "102
	// Processing" before the head of its answer, with an empty line in a stream of lines.
	KeepAlive = 3 * time.Second

	// Silence is how long a [Client] waits for a word before it gives a call up: five that a living node
	// would have said.
	Silence = 5 * KeepAlive

	// CallFor is how long a [Client] waits for one that lives to answer what it has at hand, such as its
	// status. What may take longer, such as a walk over the log, may take as long as it does.
	CallFor = time.Minute
)

// ErrSilent is wrapped, beside [ErrLeft], by the error of a call whose node has said nothing for
// [Silence], not even that it lives.
var ErrSilent = fmt.Errorf("the node does not answer: nothing has come from it for %s, so it is stopped or hangs", Silence)

// watched is the connection of one call. A Read ends, with ErrSilent, when the node falls silent; only
// what somebody waits for counts, so a caller may take as long as it likes over what has come.
//
// Closing it closes the body of the request, too: [http.Transport] waits for a Read of it even when the
// connection has ended, and what it reads may be a terminal.
type watched struct {
	net.Conn
	body   io.Closer   // nil for one that never waits
	silent atomic.Bool // a Read has ended so
}

func (w *watched) Read(b []byte) (int, error) {
	if w.silent.Load() {
		return 0, ErrSilent // readers of heads pass over a first error
	}
	if err := w.SetReadDeadline(time.Now().Add(Silence)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.silent.Store(true)
		err = ErrSilent
	}
	return n, err
}

func (w *watched) Close() error {
	err := w.Conn.Close()
	if w.body != nil {
		err = errors.Join(err, w.body.Close())
	}
	return err
}

// piped returns a reader of r whose Close ends a Read that waits. A Read of r that waits then is left
// behind.
func piped(r io.Reader) *io.PipeReader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}
