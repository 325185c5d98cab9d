package server

import (
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/negotiate"
)

// encoder is what compresses an answer.
type encoder interface {
	io.WriteCloser
	Flush() error
}

// compressed returns what an answer is written into that may be compressed, as the header Accept-Encoding says. Each write
// can be read by the client as it comes. The answer's head, which has not been sent, says what it is; Close ends the answer,
// and does not close w.
func compressed(w http.ResponseWriter, r *http.Request) io.WriteCloser {
	w.Header().Add("Vary", "Accept-Encoding")
	encoding := negotiate.Preferred(r.Header["Accept-Encoding"], "identity", "zstd", "gzip")
	if r.Header.Get(api.NodeHeader) != "" {
		encoding = "identity" // keepAlive writes between lines
	}
	var enc encoder
	var err error
	switch encoding {
	case "zstd":
		// A window of 512 KiB, far below the 8 MiB that every reader has room for, by RFC 9659.
		enc, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(512<<10), zstd.WithLowerEncoderMem(true))
	case "gzip":
		enc, err = gzip.NewWriterLevel(w, gzip.BestSpeed)
	default:
		return plain{w}
	}
	if err != nil {
		panic(err) // the options are good
	}
	w.Header().Set("Content-Encoding", encoding)
	return flushing{enc}
}

// squeeze compresses the whole answer of a route, as [compressed] does. A refusal is short, and goes as it is.
func squeeze(c huma.Context, next func(huma.Context)) {
	s := &squeezed{humaContext: c}
	next(s)
	if s.out != nil {
		_ = s.out.Close() // the client has it, or has left
	}
}

// squeezed is the context of a call whose answer is compressed. out is what it is written into; nil before its head is.
type squeezed struct {
	humaContext
	out io.WriteCloser
}

func (s *squeezed) Unwrap() huma.Context { return s.humaContext }

func (s *squeezed) SetStatus(code int) {
	if code == http.StatusOK {
		r, w := humago.Unwrap(s.humaContext)
		s.out = compressed(w, r)
	}
	s.humaContext.SetStatus(code)
}

func (s *squeezed) BodyWriter() io.Writer {
	if s.out != nil {
		return s.out
	}
	return s.humaContext.BodyWriter()
}

// plain is an answer that is not compressed.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// flushing passes on what is written at once.
type flushing struct{ encoder }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.encoder.Write(b)
	if err == nil {
		err = f.Flush()
	}
	return n, err
}
