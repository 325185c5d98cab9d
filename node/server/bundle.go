package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
)

const (
	// maxSince bounds a request for a bundle, in bytes: the JSON form of as many heads as a bundle has.
	maxSince = bundle.MaxHeads * 256
	// maxTrailer bounds a trailer, in bytes: HTTP clients take no more than 4 KiB. Its lists have at most
	// trailerList items and its texts trailerText bytes, or what is left of both after halving them as
	// often as need be.
	maxTrailer  = 3 << 10
	trailerList = 16
	trailerText = 512
)

// bundleInput says what a bundle leaves out.
type bundleInput struct{ Body api.Since }

// postBundle streams a bundle.
func (s *server) postBundle(w http.ResponseWriter, r *http.Request, in *bundleInput) {
	held, err := s.since(r.Context(), in.Body)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.quipu.bundle")
	w.Header().Set("Trailer", api.BundleTrailer)
	summary, err := bundle.Create(r.Context(), s.log, w, bundle.Options{Since: held})
	end := api.BundleEnd{Summary: &summary}
	if err != nil {
		s.logger.Debug("bundle not finished", "err", err)
		end = api.BundleEnd{Error: problem(err)}
	}
	w.Header().Set(api.BundleTrailer, trailer(end))
}

// trailer returns the end of a bundle in JSON, with as much of its lists and texts as there is room for.
func trailer(end api.BundleEnd) string {
	for list, text := trailerList, trailerText; ; list, text = list/2, text/2 {
		b, err := json.Marshal(shorten(end, list, text))
		if err != nil {
			panic("server: the end of a bundle has no JSON form: " + err.Error())
		}
		if len(b) <= maxTrailer || text == 0 {
			return string(b)
		}
	}
}

// shorten returns end with lists of at most list items and texts of at most text bytes.
func shorten(end api.BundleEnd, list, text int) api.BundleEnd {
	if end.Error != nil {
		told := *end.Error
		told.Message = clip.Start(told.Message, text)
		return api.BundleEnd{Error: &told}
	}
	s := *end.Summary
	end.Unknown, end.Left = max(0, len(s.Unknown)-list), max(0, len(s.Left)-list)
	s.Unknown = s.Unknown[:len(s.Unknown)-end.Unknown]
	s.Left = slices.Clone(s.Left[:len(s.Left)-end.Left])
	for i := range s.Left {
		s.Left[i].Reason = clip.Start(s.Left[i].Reason, text)
	}
	end.Summary = &s
	return end
}

// postBundleApply applies a bundle.
func (s *server) postBundleApply(w http.ResponseWriter, r *http.Request, _ *none) {
	mayPause(w, r)
	rc := http.NewResponseController(w)
	if err := rc.EnableFullDuplex(); err != nil {
		s.refuse(w, r, fmt.Errorf("answer while reading: %w", err))
		return
	}
	report, err := bundle.Apply(r.Context(), s.log, r.Body)
	if err != nil {
		s.refuse(w, r, bundleProblem(err))
		_ = rc.Flush()
	} else {
		w.Header().Set("Content-Type", contentJSON)
		_ = jsonFormat.Marshal(w, report) // the client has left, or will read it
	}
	// Closing the connection under a client that still sends could take the answer away from it.
	_ = rc.SetReadDeadline(time.Now().Add(drainFor))
	_, _ = io.Copy(io.Discard, r.Body)
}

// bundleProblem returns what a client is told of a bundle that could not be used.
func bundleProblem(err error) error {
	_, other := errors.AsType[*bundle.OtherLogError](err)
	if other || errors.Is(err, bundle.ErrNotBundle) || errors.Is(err, bundle.ErrHead) {
		return invalid(err)
	}
	return err
}
