package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
)

// CreateBundle has the node make a bundle and writes it to w. After an error, what was written is part
// of a bundle.
func (c *Client) CreateBundle(ctx context.Context, w io.Writer, since api.Since) (api.BundleEnd, error) {
	var end api.BundleEnd
	body, write := io.Pipe()
	defer body.Close()
	go func() { write.CloseWithError(json.NewEncoder(write).Encode(since)) }()
	resp, err := c.do(ctx, http.MethodPost, "/v1/bundles", body)
	if err != nil {
		return end, wrap("create bundle", err)
	}
	defer resp.Body.Close()
	out := &sink{w: w}
	if _, err := io.Copy(out, resp.Body); err != nil {
		if out.err != nil {
			return end, fmt.Errorf("create bundle: %w", out.err)
		}
		return end, wrap("create bundle", cutOff(ctx, err))
	}
	if err := json.Unmarshal([]byte(resp.Trailer.Get(api.BundleTrailer)), &end); err != nil || end.Summary == nil && end.Error == nil {
		return end, wrap("create bundle", cutOff(ctx, io.ErrUnexpectedEOF))
	}
	if end.Error != nil {
		return end, end.Error
	}
	return end, nil
}

// sink keeps the error of writing apart from that of reading.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.err = err
	return n, err
}

// ApplyBundle has the node apply a bundle, and returns what became of it. What is wrong with the bundle
// is in the report; an [api.Error] says why nothing of it could be used. A Read of r that waits when the call
// ends is left behind.
func (c *Client) ApplyBundle(ctx context.Context, r io.Reader) (bundle.Report, error) {
	var report bundle.Report
	in := &source{r: r}
	body := piped(in)
	defer body.Close()
	resp, err := c.do(ctx, http.MethodPost, "/v1/bundles/apply", body)
	if in.failed() != nil {
		err = in.failed()
	}
	if err != nil {
		return report, wrap("apply bundle", err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&report); err != nil {
		return report, wrap("apply bundle", cutOff(ctx, err))
	}
	return report, nil
}

// source keeps the error of reading what is sent, which the transport calls one of sending.
type source struct {
	r   io.Reader
	mu  sync.Mutex
	err error // guarded by mu
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
	}
	return n, err
}

func (s *source) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
