package server

import (
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// maxOrder bounds the body of a request that is one small JSON value, in bytes.
const maxOrder = 1 << 16

// readRequest reads the JSON value of at most so many bytes that a request consists of.
func readRequest(r *http.Request, most int64, into any) error {
	b, err := readBody(r, most)
	if err != nil {
		return err
	}
	return decode(b, into)
}

// readOrder is [readRequest] for a request that is small; no body at all is the zero value.
func readOrder(r *http.Request, into any) error {
	b, err := readBody(r, maxOrder)
	if err != nil || len(b) == 0 {
		return err
	}
	return decode(b, into)
}

func readBody(r *http.Request, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return nil, invalid(fmt.Errorf("read request: %w", err))
	case int64(len(b)) > most:
		return nil, &api.Error{Code: api.TooLarge, Message: fmt.Sprintf("read request: longer than %d bytes, which none needs", most)}
	}
	return b, nil
}

func decode(b []byte, into any) error {
	if err := api.Decode(b, into); err != nil {
		return invalid(fmt.Errorf("read request: %w", err))
	}
	return nil
}
