package client

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/node/api"
)

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
		return 0, api.ErrSilent // readers of heads pass over a first error
	}
	if err := w.expect(); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.silent.Store(true)
		err = api.ErrSilent
	}
	return n, err
}

// expect gives the node time for its next word.
func (w *watched) expect() error { return w.SetReadDeadline(time.Now().Add(api.Silence)) }

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
