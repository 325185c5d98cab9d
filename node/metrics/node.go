package metrics

import (
	"crypto/x509"
	"strconv"
	"time"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

// conditions are those that there are.
var conditions = func() (all []string) {
	for c := wire.ConditionStuck; c <= wire.ConditionClock; c++ {
		all = append(all, c.String())
	}
	return all
}()

// self are the rows about the node as a whole.
var self = []metric{
	each(gauge, "build_info", "1, with the version of the program.", "version", 1, func(l *Look, put put) { put(1, l.Version) }),
	value(gauge, "ready", "Whether the node is ready, as /readyz says it.", func(l *Look) float64 { return truth(l.Ready) }),
	value(gauge, "caught_up", "Whether it also has what the members have that it is linked to, as /readyz?caught-up=1 says it.", func(l *Look) float64 { return truth(l.CaughtUp) }),
	value(gauge, "appends_allowed", "Whether the node may append.", func(l *Look) float64 { return truth(l.Appends) }),
	words(gauge, "condition", "Whether something keeps the node from having, taking or writing what it could: see quipu status.", "condition", conditions, func(l *Look) map[string]uint64 {
		holds := make(map[string]uint64)
		for _, c := range l.Conditions {
			holds[c.String()] = 1
		}
		return holds
	}),
	{
		name: "peer_condition", kind: gauge, labels: []string{"condition"}, most: len(conditions), help: "Peers that say that this keeps them from having, taking or writing what they could.",
		read: func(l *Look, put put) {
			said := make(map[gossip.Condition]int)
			for _, m := range l.Network.Members {
				for _, c := range m.Conditions {
					said[c]++
				}
			}
			for c := wire.ConditionStuck; c <= wire.ConditionClock; c++ {
				put(float64(said[c]), c.String())
			}
		},
	},
}

// calls are the rows about what the node is asked over HTTP.
var calls = []metric{
	{
		name: "http_requests_total", kind: counter, labels: []string{"route", "code"}, most: server.MaxAnswered,
		help: "Calls that are over, by route and HTTP status.",
		read: func(l *Look, put put) {
			for a, n := range l.Calls.Answered {
				put(float64(n), a.Route, strconv.Itoa(a.Status))
			}
		},
	},
	words(counter, "http_refusals_total", "Calls that were refused, or ended after they had begun, by the code that the client is told.", "code", api.Codes, func(l *Look) map[api.Code]uint64 { return l.Calls.Refused }),
	value(gauge, "http_running_requests", "Calls that are under way, streams among them.", func(l *Look) float64 { return float64(l.Calls.Running) }),
	value(gauge, "http_sse_clients", "Streams of server-sent events that are under way.", func(l *Look) float64 { return float64(l.Calls.Events) }),
	ofCertificate("http_certificate_begin_timestamp_seconds", "Since when the certificate is good that is shown over HTTPS; absent where none is.", func(c *x509.Certificate) time.Time { return c.NotBefore }),
	ofCertificate("http_certificate_end_timestamp_seconds", "Until when it is.", func(c *x509.Certificate) time.Time { return c.NotAfter }),
}

// ofCertificate returns a row of a time that a certificate has.
func ofCertificate(name, help string, of func(*x509.Certificate) time.Time) metric {
	return metric{name: name, kind: gauge, help: help, most: 1, read: func(l *Look, put put) {
		if l.Certificate != nil {
			put(float64(of(l.Certificate).Unix()))
		}
	}}
}
