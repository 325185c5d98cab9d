package server

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// maxAudited bounds how many bytes of a request are put on record.
const maxAudited = 16 << 10

// networkCall is a call over a network.
type networkCall struct{ route, target, request, from string }

// callKey is the key of a context's networkCall.
type callKey struct{}

// withCall returns the context of a request, which goes to a route, with what is put on record of it.
func withCall(r *http.Request, route string) context.Context {
	return context.WithValue(r.Context(), callKey{}, networkCall{route, api.RedactedTarget(r.URL).String(), r.Header.Get(api.RequestHeader), r.RemoteAddr})
}

// audit puts a call that changes something other than by appending on record, if it came over a network: as an entry,
// which is durable before the call has any effect. Where the node may not append, the call goes on all the same, so that
// what keeps the node from it can be mended, and the node's log has the record.
func (rt *router) audit(ctx context.Context, op operation, in any) {
	grant := grantOf(ctx)
	call, ok := ctx.Value(callKey{}).(networkCall)
	if !op.changes || grant == nil || !ok {
		return
	}
	record := api.Audit{Token: grant.Name, Call: call.route, Target: call.target, Request: call.request, From: call.from, Body: bodyOf(in)}
	if err := rt.s.putOnRecord(ctx, record); err != nil {
		rt.s.logger.Warn("a call is not on record as an entry, and goes on", "err", err, "token", record.Token, "call", record.Call,
			"target", record.Target, "request", record.Request, "remote", record.From, "body", string(record.Body))
	}
}

// putOnRecord appends the entry of an audit.
func (s *server) putOnRecord(ctx context.Context, record api.Audit) error {
	payload, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if s.daemon != nil {
		leave, err := s.daemon.Writing()
		if err != nil {
			return err
		}
		defer leave()
	}
	return s.log.Update(ctx, func(tx *eventlog.Tx) error {
		_, err := tx.AppendReserved(crdt.Event{
			Kind: api.AuditKind, Subject: record.Token, Payload: payload,
			Headers: []crdt.EventHeader{{Name: api.ClientHeader, Value: record.Token}},
		})
		return err
	})
}

// bodyOf returns the body of an input, in JSON and without what looks like a token; nil for one that has none, or whose body is too long for the record.
func bodyOf(in any) json.RawMessage {
	v := reflect.Indirect(reflect.ValueOf(in))
	body := v.FieldByName("Body")
	if !body.IsValid() || body.IsZero() {
		return nil
	}
	b, err := json.Marshal(body.Interface())
	if err != nil || len(b) > maxAudited {
		return nil
	}
	return json.RawMessage(api.Redacted(b).String())
}
