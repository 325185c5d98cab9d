package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// TestAPollAnswersOnce: with what is there, or with what comes, and each goes on where the one before ended.
func TestAPollAnswersOnce(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	s.append(t, "0", "1", "2")
	empty := s.page(t, "/v1/tail?poll=0")
	if len(empty.Entries) != 0 || empty.After != s.log.CursorAt(3).String() {
		t.Errorf("from the present end there is %+v", empty)
	}
	first := s.page(t, "/v1/tail?poll=1h&offset=0&limit=2")
	if diff := cmp.Diff([]string{"0", "1"}, first.subjects()); diff != "" || first.After != s.log.CursorAt(2).String() {
		t.Errorf("%s %s", first.After, diff)
	}
	rest := s.page(t, "/v1/tail?poll=1h&after="+first.After)
	if diff := cmp.Diff([]string{"2"}, rest.subjects()); diff != "" || rest.After != empty.After {
		t.Errorf("%s %s", rest.After, diff)
	}
	go s.append(t, "3")
	if got := s.page(t, "/v1/tail?poll=1h&after="+rest.After); cmp.Diff([]string{"3"}, got.subjects()) != "" {
		t.Errorf("what came meanwhile: %s", got.subjects())
	}
	// What the query does not take is passed, and need not be read again.
	none := s.page(t, "/v1/tail?poll=0&offset=0&subject=9")
	if len(none.Entries) != 0 || none.After != s.log.CursorAt(4).String() {
		t.Errorf("nothing is taken: %+v", none)
	}
	go s.append(t, "4", "9")
	got := s.page(t, "/v1/tail?poll=1h&offset=0&subject=9")
	if cmp.Diff([]string{"9"}, got.subjects()) != "" || got.After != s.log.CursorAt(6).String() {
		t.Errorf("%s, after %s", got.subjects(), got.After)
	}
}

// TestAPollIsToldWhatIsGone, and where it can go on.
func TestAPollIsToldWhatIsGone(t *testing.T) {
	s := serve(t, newTrimmable(t, nothingKept, 3))
	after := s.log.CursorAt(0)
	if _, err := s.log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		t.Fatal(err)
	}
	resp := s.get(t, "/v1/tail?poll=1h&after="+after.String())
	var told api.Error
	if err := json.NewDecoder(resp.Body).Decode(&told); err != nil || resp.StatusCode != http.StatusGone || told.Trimmed == nil || told.Trimmed.Entries != 3 {
		t.Fatalf("%s %+v, %v", resp.Status, told, err)
	}
	got := s.page(t, "/v1/tail?poll=1h&offset="+fmt.Sprint(told.Trimmed.Offset))
	if diff := cmp.Diff([]string{"3"}, got.subjects()); diff != "" {
		t.Error(diff)
	}
}

// TestAPollEndsWithTheLog, and says so.
func TestAPollEndsWithTheLog(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	go func() {
		if err := s.log.Close(); err != nil {
			t.Error(err)
		}
	}()
	var told api.Error
	if err := json.NewDecoder(s.get(t, "/v1/tail?poll=1h").Body).Decode(&told); err != nil || told.Code != api.Stopping {
		t.Errorf("%+v, %v", told, err)
	}
}

// TestAPollThatMakesNoSense is refused.
func TestAPollThatMakesNoSense(t *testing.T) {
	s := serve(t, eventlogtest.Open(t))
	for _, query := range []string{"poll=", "poll=soon", "poll=-1s", "poll=1s&transient=true"} {
		if resp := s.get(t, "/v1/tail?"+query); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", query, resp.Status)
		}
	}
}
