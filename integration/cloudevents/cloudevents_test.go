package cloudevents

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/event"
	sdkhttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/integration/daemon"
)

func TestMain(m *testing.M) { daemon.Main(m) }

// node is a daemon, and a token that appends and reads.
type node struct {
	*daemon.Daemon
	token string
}

func newNode(t *testing.T) node {
	t.Helper()
	d := daemon.New(t, "node", "")
	token := strings.TrimSpace(d.Quipu(t, "token", "create", "--name", "sdk", "--scope", "read,append"))
	d.Start(t)
	return node{d, token}
}

// do makes a request with the token, which must end with a status.
func (n node) do(t *testing.T, request *http.Request, status int) *http.Response {
	t.Helper()
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != status {
		t.Fatalf("%s %s: %s", request.Method, request.URL, response.Status)
	}
	return response
}

// get returns the answer to a GET of a media type.
func (n node) get(t *testing.T, path, media string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", media)
	return n.do(t, request, http.StatusOK)
}

// sender returns a client of the SDK that appends to the node with a token.
func (n node) sender(t *testing.T, token string) sdk.Client {
	t.Helper()
	c, err := sdk.NewClientHTTP(sdk.WithTarget(n.URL+"/v1/entries"), sdk.WithHeader("Authorization", "Bearer "+token))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// modes are the ways to send events, by their names.
var modes = map[string]func(t *testing.T, n node, events []sdk.Event){
	"structured": func(t *testing.T, n node, events []sdk.Event) {
		n.send(t, sdk.WithEncodingStructured(t.Context()), events)
	},
	"binary": func(t *testing.T, n node, events []sdk.Event) { n.send(t, sdk.WithEncodingBinary(t.Context()), events) },
	"batch": func(t *testing.T, n node, events []sdk.Event) {
		request, err := sdkhttp.NewHTTPRequestFromEvents(t.Context(), n.URL+"/v1/entries", events)
		if err != nil {
			t.Fatal(err)
		}
		n.do(t, request, http.StatusCreated)
	},
}

func (n node) send(t *testing.T, ctx context.Context, events []sdk.Event) {
	t.Helper()
	c := n.sender(t, n.token)
	for _, e := range events {
		if result := c.Send(ctx, e); !sdk.IsACK(result) {
			t.Fatalf("%s: %v", e.ID(), result)
		}
	}
}

// samples returns events with every attribute, of every kind of data that the SDK knows: to it "application/…+json" is none of JSON.
func samples(t *testing.T) []sdk.Event {
	t.Helper()
	plain := func(id string) sdk.Event {
		e := sdk.NewEvent()
		e.SetID(id)
		e.SetSource("/shop/1?a=b")
		e.SetType("com.example.sold")
		return e
	}
	full := plain("A 1 é")
	full.SetSubject("pear, half off: 1 €") // without a percent sign, which the SDK does not escape in a header
	full.SetTime(time.Date(2024, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600)))
	full.SetDataSchema("https://example.com/schema#1")
	for name, value := range map[string]any{
		"traceparent": "00-1", "flag": true, "number": -7, "bytes": []byte{0xff}, "when": types.Timestamp{Time: time.Unix(1, 0).UTC()}, "where": types.URIRef{URL: url.URL{Path: "/a"}},
	} {
		full.SetExtension(name, value)
	}
	events := []sdk.Event{full, plain("nothing")}
	for media, data := range map[string]any{
		sdk.ApplicationJSON: map[string]any{"cents": 1250, "what": []string{"<é>", "\u2028"}}, event.TextJSON: []int{1, 2},
		"application/octet-stream": []byte{0, 0xff, '\n'}, sdk.TextPlain: []byte("two\r\nlines, é"), sdk.ApplicationXML: []byte("<a/>"),
	} {
		e := plain("of " + media)
		if err := e.SetData(media, data); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// told is what of an event is the same wherever it is read. Extensions are texts, as an HTTP header has them.
type told struct {
	ID, Source, Type, Subject, Schema, Content string
	Time                                       time.Time
	Extensions                                 map[string]string
	Data                                       string
}

// tell returns what is the same of an event, and the texts that the node has added.
func tell(t *testing.T, e event.Event) (told, map[string]string) {
	t.Helper()
	ours, theirs := map[string]string{}, map[string]string{}
	for name, value := range e.Extensions() {
		text, err := types.Format(value)
		if err != nil {
			t.Fatalf("extension %s: %v", name, err)
		}
		if strings.HasPrefix(name, "quipu") {
			ours[name] = text
		} else {
			theirs[name] = text
		}
	}
	return told{e.ID(), e.Source(), e.Type(), e.Subject(), e.DataSchema(), e.DataContentType(), e.Time().UTC(), theirs, string(e.Data())}, ours
}

// TestTheSDK sends events in each mode and reads them back, in a batch and one by one. What comes back is what was sent.
func TestTheSDK(t *testing.T) {
	for mode, send := range modes {
		t.Run(mode, func(t *testing.T) {
			n := newNode(t)
			sent := samples(t)
			send(t, n, sent)
			back := n.pages(t, 3)
			if len(back) != len(sent) {
				t.Fatalf("%d events were sent, %d came back", len(sent), len(back))
			}
			for i, e := range back {
				if err := e.Validate(); err != nil {
					t.Errorf("%s: %v", e.ID(), err)
				}
				got, added := tell(t, e)
				want, _ := tell(t, sent[i])
				if want.Time.IsZero() { // the node says when it came
					want.Time = got.Time
				}
				if diff := cmp.Diff(want, got); diff != "" || got.Time.IsZero() {
					t.Errorf("%s", diff)
				}
				one, err := sdkhttp.NewEventFromHTTPResponse(n.get(t, "/v1/entries/"+url.PathEscape(added["quipuplace"]), sdk.ApplicationCloudEventsJSON))
				if err != nil {
					t.Fatal(err)
				}
				alone, others := tell(t, *one)
				if diff := cmp.Diff(got, alone) + cmp.Diff(added, others); diff != "" {
					t.Errorf("alone it is another: %s", diff)
				}
			}
		})
	}
}

// pages returns all events of a node, so many on a page.
func (n node) pages(t *testing.T, limit int) (all []event.Event) {
	t.Helper()
	for path := fmt.Sprintf("/v1/entries?order=arrival&kind=com.example.*&limit=%d", limit); path != ""; {
		response := n.get(t, path, sdk.ApplicationCloudEventsBatchJSON)
		page, err := sdkhttp.NewEventsFromHTTPResponse(response)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		path = ""
		if link := response.Header.Get("Link"); link != "" {
			path = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		}
	}
	return all
}

// TestTheSDKIsRefused in words that its callers can branch on.
func TestTheSDKIsRefused(t *testing.T) {
	n := newNode(t)
	e := samples(t)[0]
	var result *sdkhttp.Result
	if err := n.sender(t, "nobody").Send(t.Context(), e); !sdk.ResultAs(err, &result) || result.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %v", err)
	}
	e.SetType("quipu.prune")
	if err := n.sender(t, n.token).Send(t.Context(), e); sdk.IsACK(err) || !strings.Contains(err.Error(), `"code":"reserved"`) {
		t.Errorf("a reserved kind: %v", err)
	}
	batch, err := sdkhttp.NewHTTPRequestFromEvents(t.Context(), n.URL+"/v1/entries", []event.Event{samples(t)[0], e})
	if err != nil {
		t.Fatal(err)
	}
	n.do(t, batch, http.StatusBadRequest)
	if all := n.pages(t, 10); len(all) != 0 {
		t.Errorf("a batch that was refused has left %v", all)
	}
}
