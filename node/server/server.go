package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/lease"
)

// Daemon is what only a running node can tell.
type Daemon interface {
	// Describe fills in the part of the status that is about the daemon and the network, when all else is there.
	Describe(*api.Status)
	// Members returns the members that the node knows of, itself first.
	Members() []api.Member
	// Links returns the links that the node has to others.
	Links() []api.Link
	// Recovery returns why the node does not append that may not know the end of its own feed, and how far it is in
	// finding it; nil where that is not so.
	Recovery() *api.Recovery
	// Recover takes an operator's word on how such a node goes on, or none of a plan. It returns what is known where the
	// node does not go on soon.
	Recover(ctx context.Context, word api.RecoverRequest) (*api.Recovery, error)
	// Unreplicated returns what of the node's own feed no other node is known to hold; nil where no other is known.
	Unreplicated() *api.Unreplicated
	// Unready returns why others had better be sent to another node, and what else is not well, each with the least demand that it
	// fails. Dead returns why the node has to be started anew.
	Unready() []api.Condition
	Dead() []api.Condition
	// Writing lets somebody append, who calls leave when what he appends is durable or refused. It is an error
	// while the daemon only waits until it may stop.
	Writing() (leave func(), err error)
	// Stop has the daemon end once other nodes hold its entries, or after so long a wait; it returns shortly
	// before. A ctx that ends first calls that off.
	Stop(ctx context.Context, wait time.Duration) (api.Stopped, error)
}

// Config says what is served. Log is required.
type Config struct {
	Log *eventlog.Log
	// Cords are the counts that are kept beside the log. Nil: nobody keeps them, and what has arrived is counted anew.
	Cords *cords.Projection
	// Daemon is nil where the log was opened without one.
	Daemon Daemon
	// Syncer syncs with other nodes; nil where nothing can.
	Syncer Syncer
	// Repairer repairs the log; nil where nothing can.
	Repairer Repairer
	// Trimmer trims the log. Nil trims it by its own policy.
	Trimmer Trimmer
	// UsedBy returns the process that has the log open which is only read here, 0 where none is known. Nil where the log is
	// this process's.
	UsedBy func() int
	// Tokens are those of the node. Nil: there are none, and none can be made.
	Tokens *access.Store
	// Enter lets a call over the network in that grant allows, or says why not; leave is called when the call is over. Nil
	// lets all in.
	Enter func(ctx context.Context, grant *access.Grant) (leave func(), err error)
	// Kept returns what a backup holds of the node beside its log, unless it is asked for otherwise. Nil: nothing.
	Kept func() ([]backup.File, error)
	// Name is what people call the node.
	Name string
	// Remembered returns what the nodes of other authors called themselves when they were last met. Nil
	// remembers none.
	Remembered func() map[crdt.Author]string
	// Version is shown in the status.
	Version string
	// Settings are what the node runs with, for those who ask; without secrets.
	Settings []api.Setting
	// Metrics answers with what the node counts. Nil: there is no daemon that counts.
	Metrics http.Handler
	// Logger takes what goes wrong on the node's side. Nil discards it.
	Logger *slog.Logger
}

// server holds what the handlers share.
type server struct {
	log      *eventlog.Log
	cords    *cords.Projection
	daemon   Daemon
	syncer   Syncer
	repairer Repairer
	trimmer  Trimmer
	usedBy   func() int
	tokens   *access.Store
	enter    func(context.Context, *access.Grant) (leave func(), err error)
	kept     func() ([]backup.File, error)
	name     string
	version  string
	settings []api.Setting
	logger   *slog.Logger
	leases   *lease.Desk
	failed   rarely.Lines[struct{}] // requests, for a fault of the node's own: a client may repeat one for hours
	metrics  http.Handler
	tally    tally

	remembered func() map[crdt.Author]string
}

// Server answers what a node is asked: on its own socket everything, over a network what tokens allow.
type Server struct{ routes *router }

// New returns the handler of [Server.Socket] for a node that is asked over no network.
func New(cfg Config) http.Handler { return NewServer(cfg).Socket() }

// NewServer returns the server of a node.
func NewServer(cfg Config) *Server {
	s := &server{log: cfg.Log, cords: cfg.Cords, daemon: cfg.Daemon, syncer: cfg.Syncer, repairer: cfg.Repairer, trimmer: cfg.Trimmer, usedBy: cfg.UsedBy, tokens: cfg.Tokens, failed: rarely.Lines[struct{}]{Most: 10}, enter: cfg.Enter, kept: cfg.Kept, name: cfg.Name, version: cfg.Version, settings: cfg.Settings, logger: cfg.Logger, remembered: cfg.Remembered, metrics: cfg.Metrics}
	s.name = cmp.Or(s.name, s.log.Author().Short())
	if s.trimmer == nil {
		s.trimmer = alone{s.log}
	}
	if s.cords == nil {
		s.cords = cords.Of(s.log)
	}
	s.logger = cmp.Or(s.logger, slog.New(slog.DiscardHandler))
	s.leases = lease.New(s.log, s.logger)
	rt := s.routes(false)
	rt.serve("GET /openapi.json", operation{}, s.getDocument)
	rt.mux.HandleFunc("/", rt.notFound)
	return &Server{rt}
}

// Close ends the leases of consumers, whose batches come again. It is called once no call is under way, and before the log
// is closed.
func (s *Server) Close() { s.routes.s.leases.Close() }

// Socket returns the handler of every route for those who may do everything: whom the mode of a socket lets in. A call
// that takes its time hears every [api.KeepAlive] that the node lives.
func (s *Server) Socket() http.Handler {
	return s.routes.counted(keepAlive(s.routes.onlyKnownParameters()))
}

// Network returns the handler of every route for those who show a token, or a ticket, and may do what it allows: see
// package access. It needs [Config.Tokens].
func (s *Server) Network() Network {
	return Network{s.routes.counted(keepAlive(s.routes.guard(s.routes.onlyKnownParameters()))), &s.routes.s.tally}
}

// Network answers what is asked over a network.
type Network struct {
	http.Handler
	tally *tally
}

// Refuse answers a call that comes from where none may come from.
func (n Network) Refuse(w http.ResponseWriter, err *api.Error) {
	n.tally.refuse(err.Code)
	n.tally.over(Answered{NoRoute, err.Told().Status})
	err.Answer(w)
}

// notFound answers a call that is none of a route: where there are routes of its path, with their methods.
func (rt *router) notFound(w http.ResponseWriter, r *http.Request) {
	path := strings.ToValidUTF8(r.URL.Path, "?")
	methods := rt.methodsOf(r)
	if len(methods) == 0 {
		rt.s.refuse(w, r, &api.Error{Code: api.NotFound, Message: "no route " + r.Method + " " + path})
		return
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	rt.s.refuse(w, r, &api.Error{Code: api.WrongMethod, Message: fmt.Sprintf("no route %s %s: expected %s", r.Method, path, enum.OneOf(methods))})
}

// methodsOf returns the methods that the path of a request is called with.
func (rt *router) methodsOf(r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		_, route := rt.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL})
		if _, declared := rt.operations[route]; declared {
			methods = append(methods, method)
		}
	}
	return methods
}
