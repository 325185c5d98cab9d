package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/jsonschema/v6"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	faults "github.com/pb33f/libopenapi-validator/errors"
)

const (
	mediaLines   = "application/x-ndjson"
	mediaProblem = "application/problem+json"
	mediaEvents  = "text/event-stream"
)

// patience is how long a call may take before it counts as one that hangs.
const patience = 90 * time.Second

// judge holds what is sent and answered against the document, and keeps count of what it has seen.
type judge struct {
	pairs      validator.Validator
	schemas    *jsonschema.Compiler
	operations map[string]operation // by id
	answered   map[string]bool      // the ids of operations that have done what was asked
	refused    map[string]bool      // the codes of refusals
}

// operation is what of the document is needed to make a call.
type operation struct {
	method, path string
	Responses    map[string]any `json:"responses"`
}

// newJudge returns a judge by a document.
func newJudge(t *testing.T, document []byte) *judge {
	t.Helper()
	doc, err := libopenapi.NewDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	pairs, errs := validator.NewValidator(doc, config.WithoutSecurityValidation(), config.WithFormatAssertions(), config.WithContentAssertions(),
		config.WithBodyDecoder(mediaLines, content.DecoderFunc(text)), config.WithBodyDecoder(mediaEvents, content.DecoderFunc(text)))
	if errs != nil {
		t.Fatal(errs)
	}
	if ok, wrong := pairs.ValidateDocument(); !ok {
		t.Fatalf("the document is none of OpenAPI: %s", words(wrong))
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{pairs: pairs, schemas: jsonschema.NewCompiler(), operations: operationsOf(t, document), answered: map[string]bool{}, refused: map[string]bool{}}
	j.schemas.DefaultDraft(jsonschema.Draft2020)
	j.schemas.AssertFormat()
	if err := j.schemas.AddResource("openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	return j
}

// text reads a stream of lines as what the document calls it; [judge.line] looks at what stands in it.
func text(in *content.DecodeInput) (any, error) {
	b, err := io.ReadAll(in.Body)
	return string(b), err
}

func operationsOf(t *testing.T, document []byte) map[string]operation {
	t.Helper()
	var all struct {
		Paths map[string]map[string]struct {
			ID        string         `json:"operationId"`
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &all); err != nil {
		t.Fatal(err)
	}
	byID := make(map[string]operation)
	for path, methods := range all.Paths {
		for method, op := range methods {
			byID[op.ID] = operation{strings.ToUpper(method), path, op.Responses}
		}
	}
	return byID
}

// call is a request of an operation, and how it is to end.
type call struct {
	op    string
	path  map[string]string // its parameters
	query string
	media string // of body; JSON where it is empty, and body is not
	body  string
	head  map[string]string // fields of the head; Host among them
	// code is that of the refusal that it is to end with; empty where it is to be done.
	code string
}

// do makes a call and returns the body of the answer, which is as the document says.
func (j *judge) do(t *testing.T, node http.RoundTripper, c call) []byte {
	t.Helper()
	request := j.request(t, c)
	if c.code == "" {
		if ok, wrong := j.pairs.ValidateHttpRequestSync(request); !ok {
			t.Errorf("%s: the request is not one of the document: %s", c.op, words(wrong))
		}
		request = j.request(t, c) // its body is read
	}
	response, err := node.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s: %v", c.op, err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatalf("%s: %v", c.op, err)
	}
	j.hold(t, c, request, response, body)
	return body
}

func (j *judge) request(t *testing.T, c call) *http.Request {
	t.Helper()
	op, ok := j.operations[c.op]
	if !ok {
		t.Fatalf("the document has no operation %s", c.op)
	}
	path := op.path
	for name, value := range c.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	target := "http://quipu" + path
	if c.query != "" {
		target += "?" + c.query
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, op.method, target, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		media := c.media
		if media == "" {
			media = "application/json"
		}
		request.Header.Set("Content-Type", media)
	}
	for name, value := range c.head {
		request.Header.Set(name, value)
	}
	if host := c.head["Host"]; host != "" {
		request.Host = host
	}
	return request
}

// hold holds an answer against the document and what was to come.
func (j *judge) hold(t *testing.T, c call, request *http.Request, response *http.Response, body []byte) {
	t.Helper()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if ok, wrong := j.pairs.ValidateHttpResponse(request, response); !ok {
		t.Errorf("%s, %d: the answer is not one of the document: %s\n%.2000s", c.op, response.StatusCode, words(wrong), body)
	}
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil && len(body) > 0 {
		t.Errorf("%s: content type: %v", c.op, err)
	}
	code := ""
	switch media {
	case mediaProblem:
		code = j.problem(t, c, response.StatusCode, body)
	case mediaEvents:
		for line := range bytes.Lines(body) {
			if entry, is := bytes.CutPrefix(line, []byte("data:")); is {
				j.line(t, c.op, entry)
			}
		}
	case mediaLines:
		for line := range bytes.Lines(body) {
			if code = j.line(t, c.op, line); code != "" {
				break
			}
		}
	}
	j.ended(t, c, code, body)
}

// ended notes how a call has ended.
func (j *judge) ended(t *testing.T, c call, code string, body []byte) {
	t.Helper()
	switch {
	case code != c.code:
		t.Errorf("%s has ended with %q, want %q: %.2000s", c.op, code, c.code, body)
	case code == "":
		j.answered[c.op] = true
	default:
		j.refused[code] = true
	}
}

// told is what problem details have in common, as a whole answer or as a line.
type told struct {
	Type   string `json:"type"`
	Status int    `json:"status"`
	Code   string `json:"code"`
}

// problem returns the code of a refusal, whose parts say the same.
func (j *judge) problem(t *testing.T, c call, status int, body []byte) string {
	t.Helper()
	var p told
	if err := json.Unmarshal(body, &p); err != nil {
		t.Errorf("%s: %v", c.op, err)
	}
	if status > 0 && p.Status != status || !strings.HasSuffix(p.Type, "#"+p.Code) {
		t.Errorf("%s, %d: the parts say different things: %s", c.op, status, body)
	}
	return p.Code
}

// line holds a line of an answer against what the document says of each, and returns the code of one that ends it.
func (j *judge) line(t *testing.T, id string, line []byte) (code string) {
	t.Helper()
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return "" // the node lives
	}
	op := j.operations[id]
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	at := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/200/content/%s/schema/contentSchema/items",
		escape.Replace(op.path), strings.ToLower(op.method), escape.Replace(mediaLines))
	schema, err := j.schemas.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: the line is not one of the document: %v\n%.2000s", id, err, line)
	}
	var envelope struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(line, &envelope) != nil || envelope.Error == nil {
		return ""
	}
	return j.problem(t, call{op: id}, 0, envelope.Error)
}

// words says what a validator has found.
func words(found []*faults.ValidationError) error {
	var all []error
	for _, f := range found {
		all = append(all, fmt.Errorf("%s: %s", f.Message, f.Reason))
		for _, s := range f.SchemaValidationErrors {
			all = append(all, fmt.Errorf("at %s: %s", s.KeywordLocation, s.Reason))
		}
	}
	return errors.Join(all...)
}
