package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// Daemon is what only a running node can tell.
type Daemon interface {
	// Describe fills in the part of the status that is about the daemon and the network, when all else is there.
	Describe(*api.Status)
	// Members returns the members that the node knows of, itself first.
	Members() []api.Member
	// Recovery returns why the node does not append that may not know the end of its own feed, and how far it is in
	// finding it; nil where that is not so.
	Recovery() *api.Recovery
	// Recover takes an operator's word on how such a node goes on, or none of a plan. It returns what is known where the
	// node does not go on soon.
	Recover(ctx context.Context, word api.RecoverRequest) (*api.Recovery, error)
	// Unreplicated returns what of the node's own feed no other node is known to hold; nil where no other is known.
	Unreplicated() *api.Unreplicated
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
	// Name is what people call the node.
	Name string
	// Remembered returns what the nodes of other authors called themselves when they were last met. Nil
	// remembers none.
	Remembered func() map[crdt.Author]string
	// Version is shown in the status.
	Version string
	// Logger takes what goes wrong on the node's side. Nil discards it.
	Logger *slog.Logger
}

// server holds what the handlers share.
type server struct {
	log      *eventlog.Log
	daemon   Daemon
	syncer   Syncer
	repairer Repairer
	trimmer  Trimmer
	usedBy   func() int
	name     string
	version  string
	logger   *slog.Logger

	remembered func() map[crdt.Author]string
}

// New returns the handler of every route. A call that takes its time hears every [api.KeepAlive] that the
// node lives.
func New(cfg Config) http.Handler {
	s := &server{log: cfg.Log, daemon: cfg.Daemon, syncer: cfg.Syncer, repairer: cfg.Repairer, trimmer: cfg.Trimmer, usedBy: cfg.UsedBy, name: cfg.Name, version: cfg.Version, logger: cfg.Logger, remembered: cfg.Remembered}
	s.name = cmp.Or(s.name, s.log.Author().Short())
	if s.trimmer == nil {
		s.trimmer = alone{s.log}
	}
	s.logger = cmp.Or(s.logger, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/entries", s.postEntries)
	mux.HandleFunc("GET /v1/entries", s.getEntries)
	mux.HandleFunc("GET /v1/entries/{place}", s.getEntry)
	mux.HandleFunc("GET /v1/where/{place}", s.answers(s.getWhere))
	mux.HandleFunc("GET /v1/unmatched", s.answers(s.getUnmatched))
	mux.HandleFunc("GET /v1/tail", s.getTail)
	mux.HandleFunc("POST /v1/broadcast", s.answers(s.postBroadcast))
	mux.HandleFunc("POST /v1/transitions", s.postTransitions)
	mux.HandleFunc("POST /v1/transitions/guarded", s.postGuarded)
	mux.HandleFunc("GET /v1/transitions", s.getTransitions)
	mux.HandleFunc("POST /v1/transitions/check", s.answers(s.postCheck))
	mux.HandleFunc("GET /v1/state", s.getState)
	mux.HandleFunc("POST /v1/state", s.postState)
	mux.HandleFunc("GET /v1/status", s.answers(s.getStatus))
	mux.HandleFunc("GET /v1/members", s.answers(s.getMembers))
	mux.HandleFunc("GET /v1/authors", s.answers(s.getAuthors))
	mux.HandleFunc("GET /v1/frontier", s.answers(s.getFrontier))
	mux.HandleFunc("GET /v1/forks", s.getForks)
	mux.HandleFunc("GET /v1/forks/{author}", s.answers(s.getFork))
	mux.HandleFunc("GET /v1/index", s.answers(s.getIndex))
	mux.HandleFunc("POST /v1/index/rebuild", s.tells(s.postIndexRebuild))
	mux.HandleFunc("POST /v1/rebuild", s.tells(s.postRebuild))
	mux.HandleFunc("GET /v1/rebuilds", s.answers(s.getRebuilds))
	mux.HandleFunc("POST /v1/trim", s.answers(s.postTrim))
	mux.HandleFunc("GET /v1/trim", s.answers(s.getTrim))
	mux.HandleFunc("GET /v1/gone", s.getGone)
	mux.HandleFunc("POST /v1/prune", s.answers(s.writes(s.postPrune)))
	mux.HandleFunc("POST /v1/compact", s.answers(s.postCompact))
	mux.HandleFunc("POST /v1/recover", s.answers(s.postRecover))
	mux.HandleFunc("GET /v1/followers", s.getFollowers)
	mux.HandleFunc("GET /v1/followers/show", s.answers(s.getFollower))
	mux.HandleFunc("GET /v1/followers/parked", s.getParked)
	mux.HandleFunc("POST /v1/followers/reset", s.answers(s.postFollowerReset))
	mux.HandleFunc("POST /v1/followers/skip", s.answers(s.postFollowerSkip))
	mux.HandleFunc("POST /v1/followers/drop", s.answers(s.postFollowerDrop))
	mux.HandleFunc("POST /v1/followers/remove", s.answers(s.postFollowerRemove))
	mux.HandleFunc("POST /v1/follow", s.postFollow)
	mux.HandleFunc("POST /v1/sync", s.answers(s.postSync))
	mux.HandleFunc("POST /v1/bundle", s.postBundle)
	mux.HandleFunc("POST /v1/bundle/apply", s.postBundleApply)
	mux.HandleFunc("POST /v1/backup", s.postBackup)
	mux.HandleFunc("POST /v1/stop", s.answers(s.postStop))
	mux.HandleFunc("POST /v1/verify", s.tells(s.postVerify))
	mux.HandleFunc("POST /v1/repair", s.tells(s.postRepair))
	mux.HandleFunc("GET /v1/proof/{place}", s.answers(s.getProof))
	mux.HandleFunc("/", s.notFound)
	return keepAlive(s.onlyKnownParameters(mux))
}

// notFound answers a path that is no route.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	path := strings.ToValidUTF8(r.URL.Path, "?")
	s.refuse(w, &api.Error{Code: api.NotFound, Message: "no route " + r.Method + " " + path})
}
