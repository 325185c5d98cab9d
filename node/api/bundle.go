package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

// Since says what a bundle need not have. The zero Since leaves nothing out.
type Since struct {
	// Frontier is what whoever the bundle is for holds.
	Frontier *Frontier `json:"frontier,omitempty"`
	// Offset, unless it is 0, says that they hold all that this node held before that offset of
	// arrival; Incarnation names the arrivals that it counts, in hex. Frontier is empty then.
	Offset      uint64 `json:"offset,omitempty"`
	Incarnation string `json:"incarnation,omitempty"`
}

// BundleTrailer is the trailer of the answer to the making of a bundle: a [BundleEnd] in JSON. An
// answer without it was cut off.
const BundleTrailer = "Quipu-Bundle"

// BundleEnd says how the making of a bundle ended.
type BundleEnd struct {
	Summary *bundle.Summary `json:"summary,omitempty"`
	Error   *Error          `json:"error,omitempty"`
	// Unknown and Left count what the lists in Summary, which are cut to fit a trailer, leave out.
	Unknown int `json:"unknown,omitempty"`
	Left    int `json:"left,omitempty"`
}

// CreateBundle has the node make a bundle and writes it to w. After an error, what was written is part
// of a bundle.
func (c *Client) CreateBundle(ctx context.Context, w io.Writer, since Since) (BundleEnd, error) {
	var end BundleEnd
	body, write := io.Pipe()
	defer body.Close()
	go func() { write.CloseWithError(json.NewEncoder(write).Encode(since)) }()
	resp, err := c.do(ctx, http.MethodPost, "/v1/bundle", body)
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
	if err := json.Unmarshal([]byte(resp.Trailer.Get(BundleTrailer)), &end); err != nil || end.Summary == nil && end.Error == nil {
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
// is in the report; an [Error] says why nothing of it could be used. A Read of r that waits when the call
// ends is left behind.
func (c *Client) ApplyBundle(ctx context.Context, r io.Reader) (bundle.Report, error) {
	var report bundle.Report
	in := &source{r: r}
	body := piped(in)
	defer body.Close()
	resp, err := c.do(ctx, http.MethodPost, "/v1/bundle/apply", body)
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

// FrontierOf returns the form in which a node tells f.
func FrontierOf(f crdt.Frontier) Frontier {
	told := Frontier{Hash: f.Hash(), Authors: []Feed{}}
	for author, heads := range f.All() {
		feed := Feed{Author: author}
		for _, h := range heads {
			feed.Heads = append(feed.Heads, Head{Next: h.Next, Op: h.ID})
		}
		told.Authors = append(told.Authors, feed)
	}
	return told
}

// Held returns the frontier as a value to compute with. It refuses one whose hash is not that of its
// heads: it was changed since a node printed it.
func (f *Frontier) Held() (crdt.Frontier, error) {
	held := make(crdt.Frontier, len(f.Authors))
	for _, feed := range f.Authors {
		for _, h := range feed.Heads {
			held[feed.Author] = append(held[feed.Author], crdt.Head{Next: h.Next, ID: h.Op})
		}
	}
	if hash := held.Hash(); hash != f.Hash {
		return nil, fmt.Errorf("a frontier with the hash %s, whose heads have the hash %s: expected what quipu frontier --format json prints", f.Hash, hash)
	}
	return held, nil
}
