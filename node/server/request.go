package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// maxOrder bounds the body of a request that is one small JSON value, in bytes.
const maxOrder = 1 << 16

// readRequest reads the JSON value of at most so many bytes that a request consists of.
func readRequest(w http.ResponseWriter, r *http.Request, most int64, into any) error {
	b, err := readBody(w, r, most)
	if err != nil {
		return err
	}
	return decode(b, into)
}

// readOrder is [readRequest] for a request that is small; no body at all is the zero value.
func readOrder(w http.ResponseWriter, r *http.Request, into any) error {
	b, err := readBody(w, r, maxOrder)
	if err != nil || len(b) == 0 {
		return err
	}
	return decode(b, into)
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &api.Error{Code: api.TooLarge, Message: fmt.Sprintf("read request: longer than %d bytes, which none needs", most)}
	}
	if err != nil {
		return nil, invalid(fmt.Errorf("read request: %w", err))
	}
	return b, nil
}

func decode(b []byte, into any) error {
	if err := api.Decode(b, into); err != nil {
		return invalid(fmt.Errorf("read request: %w", err))
	}
	return nil
}
