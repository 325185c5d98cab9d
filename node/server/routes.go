package server

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server/form"
)

// maxOrder bounds the body of a request that is one small JSON value, in bytes.
const maxOrder = 1 << 16

// The codes of those who append, and of those who read.
var (
	appending = []api.Code{api.Reserved, api.SecondWriter, api.Recovering, api.ReadOnly, api.NoRoom, api.Uncertain, api.NotReplicated, api.NotRunning}
	reading   = []api.Code{api.NotFound, api.Trimmed, api.Damaged, api.Busy}
)

// routes returns all routes of a node; describes says whether they are described, too.
func (s *server) routes(describes bool) *router {
	rt := newRouter(s, describes)
	s.entryRoutes(rt)
	s.transitionRoutes(rt)
	s.aboutRoutes(rt)
	s.followerRoutes(rt)
	s.keepingRoutes(rt)
	s.accessRoutes(rt)
	return rt
}

const aboutAppend = "Events in lines, one JSON form each, are appended as they come: their places, in order, come out as each becomes durable, while more are read. The first that cannot be appended ends the answer with its line's number; those before it stay. " +
	"One event with Content-Type: application/json, a CloudEvent (structured, or binary by headers ce-…, with any Content-Type) and a batch of them are appended as a whole or not at all, and answered with 201. A body without a Content-Type is lines, as is plain text and what curl -d sends; one of another type is refused. " +
	"Whoever waits there for other nodes is told which of them hold it, whether these are enough or not. " +
	"An event that is named, by Idempotency-Key or as a CloudEvent, is appended once: sent again it gets the place that it has, and known."

const aboutTail = "Entries in order of arrival, and then new ones as they come: from the present end, unless the query says otherwise. " +
	"One JSON form a line; with Accept: text/event-stream as server-sent events; with poll once, as soon as there is something, in JSON with the cursor at which the next call goes on. " +
	"An event's id is the cursor behind its entry, by which a reader goes on after a break: in the header Last-Event-ID or as after. " +
	"An event without a name is an entry. Where entries are not here any more an event gone says which, and the stream goes on behind them; broadcast and missed are for transient events; problem is the last, and says why the stream ends."

func (s *server) entryRoutes(rt *router) {
	entry := oneOf{crdt.Entry{}, form.Gone{}}
	event := media{
		contentLines: crdt.Event{}, contentJSON: crdt.Event{}, contentCloudEvent: form.CloudEvent{}, contentCloudEvents: []form.CloudEvent{}, "*/*": nil,
	}
	streams(rt, "POST /v1/entries", operation{
		id: "append", summary: "Appends events", scope: api.ScopeAppend, narrow: true, params: api.AppendParameters, heads: api.AppendHeaders, codes: append(appending, api.IDReused, api.WrongMedia), takes: event, gives: media{contentLines: oneOf{crdt.Place{}, api.Placed{}}},
		makes: media{contentJSON: oneOf{api.Appended{}, api.AppendedBatch{}}}, about: aboutAppend,
	}, s.postEntries)
	streams(rt, "GET /v1/entries", operation{
		id: "listEntries", summary: "Reads entries", scope: api.ScopeRead, narrow: true, params: api.QueryParameters, codes: reading, gives: media{contentLines: entry, contentJSON: form.Page{}, contentCloudEvents: []form.CloudEvent{}},
		about: "The entries that a query takes: all of them, one JSON form a line, or with Accept: application/json a page of them, of at most limit or 1000, and the token of the next. A page ends early where it takes some megabytes. With Accept-Encoding both are compressed by gzip or zstd, lines as they come. With Accept: application/cloudevents-batch+json a page is a list of CloudEvents, and the header Link has the next one's address.",
	}, s.getEntries)
	streams(rt, "GET /v1/entries/{place}", operation{
		id: "getEntry", summary: "Reads one entry", scope: api.ScopeRead, codes: reading, gives: media{contentJSON: crdt.Entry{}, contentCloudEvent: form.CloudEvent{}},
	}, s.getEntry)
	asks(rt, "GET /v1/entries/{place}/proof", operation{
		id: "proveEntry", summary: "Proves one entry", scope: api.ScopeRead, codes: reading,
		about: "What shows, without trust in any node, that the entry's author has written it there.",
	}, s.getProof)
	asks(rt, "GET /v1/entries/{place}/where", operation{
		id: "whereEntry", summary: "Says which nodes hold an entry", scope: api.ScopeRead, codes: append(reading, api.NotRunning),
	}, s.getWhere)
	asks(rt, "GET /v1/unmatched", operation{
		id: "listUnmatched", summary: "Says which values of a query no entry has", scope: api.ScopeRead, params: api.QueryParameters, codes: reading,
	}, s.getUnmatched)
	streams(rt, "GET /v1/tail", operation{
		id: "tail", summary: "Reads entries as they come", scope: api.ScopeRead, narrow: true, params: api.TailParameters, heads: api.TailHeaders, codes: append(reading, api.NotRunning),
		gives: media{contentLines: append(entry, crdt.Broadcast{}, form.Missed{}), contentEvents: nil, contentJSON: form.Polled{}},
		about: aboutTail,
	}, s.getTail)
	asks(rt, "POST /v1/broadcast", operation{
		id: "broadcast", summary: "Tells a transient event", scope: api.ScopeAppend, params: api.BroadcastParameters, codes: []api.Code{api.NotRunning, api.Reserved}, most: api.MaxLine,
		about: "The event is told to those who listen now, and stored nowhere.",
	}, s.postBroadcast)
	streams(rt, "GET /v1/gone", operation{
		id: "listGone", summary: "Says what is not here any more", scope: api.ScopeRead, gives: media{contentLines: api.GoneFrom{}},
	}, s.getGone)
}

func (s *server) transitionRoutes(rt *router) {
	move, place := media{contentLines: api.Move{}}, media{contentLines: crdt.Place{}}
	streams(rt, "POST /v1/transitions", operation{
		id: "appendTransitions", summary: "Appends transitions", scope: api.ScopeAppend, params: api.WaitParameters, codes: appending, takes: move, gives: place,
	}, s.postTransitions)
	streams(rt, "POST /v1/transitions/guarded", operation{
		id: "appendGuardedTransitions", summary: "Appends transitions that a machine allows", scope: api.ScopeAppend, params: api.WaitParameters,
		codes: append(appending, api.Refused), takes: media{contentLines: oneOf{machine.Machine{}, api.Move{}}}, gives: place,
		about: "The first line is the machine. Whether it allows a move is looked at in the transaction that appends it.",
	}, s.postGuarded)
	streams(rt, "GET /v1/transitions", operation{
		id: "listTransitions", summary: "Reads transitions in causal order, up to now or to a time or a frontier", scope: api.ScopeRead, params: api.StateParameters, codes: reading, gives: media{contentLines: api.Transition{}},
	}, s.bounded(s.transitions))
	streams(rt, "POST /v1/transitions/at", operation{
		id: "listTransitionsAt", summary: "Reads transitions up to a time or a frontier", scope: api.ScopeRead, codes: reading, most: api.MaxCheckRequest, gives: media{contentLines: api.Transition{}},
		about: "What GET /v1/transitions answers, for a frontier that is too long for a URL.",
	}, s.boundedAt(s.transitions))
	asks(rt, "POST /v1/transitions/check", operation{
		id: "checkTransitions", summary: "Holds transitions against a machine", scope: api.ScopeRead, codes: reading, most: api.MaxCheckRequest,
	}, s.postCheck)
	streams(rt, "GET /v1/state", operation{
		id: "listStates", summary: "Reads the stage of subjects, now or at a time or a frontier", scope: api.ScopeRead, params: api.StateParameters, codes: reading, gives: media{contentLines: api.State{}},
	}, s.bounded(s.states))
	streams(rt, "POST /v1/state/at", operation{
		id: "listStatesAt", summary: "Reads the stage of subjects at a time or a frontier", scope: api.ScopeRead, codes: reading, most: api.MaxCheckRequest, gives: media{contentLines: api.State{}},
		about: "What GET /v1/state answers, for a frontier that is too long for a URL.",
	}, s.boundedAt(s.states))
}

func (s *server) aboutRoutes(rt *router) {
	running := []api.Code{api.NotRunning}
	asks(rt, "GET /livez", operation{
		id: "getLive", summary: "Says that the node lives", tells: api.ScopeRead, codes: []api.Code{api.NotLive},
		about: "It does unless a start anew would help: its log could not be opened again after the disk had failed, or a part of it has ended. Without a token the reasons are told in a word each, with the scope read why.",
	}, s.getLive)
	asks(rt, "GET /readyz", operation{
		id: "getReady", summary: "Says whether the node is ready", tells: api.ScopeRead, params: api.ReadyParameters, codes: append(running, api.NotReady),
		about: "It is when it may append, its disk is not full, and it has caught up with the members since its start, for which it is not ready for 30 s at most. A node that reaches no other is ready. Without a token the reasons are told in a word each, with the scope read why.",
	}, s.getReady)
	asks(rt, "GET /v1/status", operation{id: "getStatus", summary: "Says who the node is and how it does", scope: api.ScopeRead}, s.getStatus)
	asks(rt, "GET /v1/settings", operation{
		id: "listSettings", summary: "Says what the node runs with", scope: api.ScopeRead,
		about: "Its settings, in the order of quipu.yaml, each with where it was said. A secret is never among them, only the name of the file that holds it. None where the node was not started by quipu start.",
	}, s.getSettings)
	streams(rt, "GET /metrics", operation{
		id: "getMetrics", summary: "Says what the node counts, as Prometheus asks for it", scope: api.ScopeMetrics, codes: running,
		gives: media{"text/plain": nil, "application/openmetrics-text": nil},
		about: "The text format, or OpenMetrics where that is accepted, compressed where that is. docs/METRICS.md says what there is.",
	}, s.getMetrics)
	streams(rt, "GET /debug/pprof/{profile}", operation{
		id: "getProfile", summary: "Says what the node's process spends time or memory on", scope: api.ScopeAdmin, params: api.ProfileParameters,
		gives: media{"application/octet-stream": nil, "text/plain": nil}, about: "A profile of Go's, which go tool pprof reads.",
	}, s.getProfile)
	asks(rt, "GET /v1/members", operation{id: "listMembers", summary: "Says which members the node knows of", scope: api.ScopeRead, codes: running}, s.getMembers)
	asks(rt, "GET /v1/authors", operation{id: "listAuthors", summary: "Says which authors the node knows of", scope: api.ScopeRead}, s.getAuthors)
	asks(rt, "GET /v1/links", operation{id: "listLinks", summary: "Says which links the node has to others", scope: api.ScopeRead, codes: running}, s.getLinks)
	streams(rt, "GET /v1/frontier", operation{
		id: "getFrontier", summary: "Says exactly what the node holds", scope: api.ScopeRead, gives: media{contentJSON: api.Frontier{}, contentText: nil},
		about: "The head of every feed: its author, the next seq and the id of its last op. As text they are a table, with a line for each head.",
	}, s.getFrontier)
	asks(rt, "GET /v1/frontier/hash", operation{
		id: "getFrontierHash", summary: "Says by one hash what the node holds", scope: api.ScopeRead, about: "It is equal on two nodes exactly when their frontiers are.",
	}, s.getFrontierHash)
	streams(rt, "GET /v1/forks", operation{
		id: "listForks", summary: "Says which authors contradict themselves", scope: api.ScopeRead, codes: reading, gives: media{contentLines: api.ForkedFeed{}},
	}, s.getForks)
	asks(rt, "GET /v1/forks/{author}", operation{
		id: "getFork", summary: "Says where an author contradicts itself", scope: api.ScopeRead, codes: reading,
	}, s.getFork)
	asks(rt, "GET /v1/stats", operation{
		id: "getStats", summary: "Counts entries by kind, module and author", scope: api.ScopeRead, params: api.StatsParameters, codes: reading,
		about: "What a query takes is counted here, where it lies. What pairs of entries took is worked out by who reads them, as quipu stats does.",
	}, s.getStats)
	streams(rt, "GET /v1/cords", operation{
		id: "getCords", summary: "Counts entries by author, kind and time", scope: api.ScopeRead, params: api.CordsParameters, codes: reading, gives: media{contentJSON: api.Cords{}},
		about: "All of the log at a glance, from counts that the node keeps beside it: each cell is exact for its own interval, and as short as the window asks for, but where too many entries would have to be read for that. What is counted has arrived; what was trimmed since stays counted.",
	}, s.getCords)
	asks(rt, "GET /v1/index", operation{id: "getIndex", summary: "Says how far the index is", scope: api.ScopeRead, codes: reading}, s.getIndex)
	asks(rt, "GET /v1/rebuilds", operation{id: "listRebuilds", summary: "Says how far rebuilds are", scope: api.ScopeRead, codes: reading}, s.getRebuilds)
}

func (s *server) followerRoutes(rt *router) {
	codes := []api.Code{api.NotFound, api.Busy, api.Damaged}
	streams(rt, "GET /v1/followers", operation{
		id: "listFollowers", summary: "Says where followers stand", scope: api.ScopeRead, codes: codes, gives: media{contentLines: api.Follower{}},
	}, s.getFollowers)
	asks(rt, "GET /v1/followers/{name}", operation{id: "getFollower", summary: "Says where a follower stands", scope: api.ScopeRead, codes: codes}, s.getFollower)
	asks(rt, "DELETE /v1/followers/{name}", operation{
		id: "removeFollower", summary: "Forgets a follower", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.Leased),
		about: "Its cursor, what it has parked and its keys are gone.",
	}, s.deleteFollower)
	asks(rt, "POST /v1/followers/{name}/reset", operation{
		id: "resetFollower", summary: "Moves a follower", scope: api.ScopeAdmin, changes: true, params: api.ResetParameters, codes: codes,
	}, s.postFollowerReset)
	asks(rt, "POST /v1/followers/{name}/skip", operation{
		id: "skipEntries", summary: "Moves a follower behind its next entries", scope: api.ScopeAdmin, changes: true, params: api.SkipParameters, codes: codes,
	}, s.postFollowerSkip)
	streams(rt, "GET /v1/followers/{name}/parked", operation{
		id: "listParked", summary: "Says what a follower has parked", scope: api.ScopeRead, codes: codes, gives: media{contentLines: api.ParkedEntry{}},
	}, s.getParked)
	asks(rt, "POST /v1/followers/{name}/drop", operation{
		id: "dropParked", summary: "Gives up what a follower has parked", scope: api.ScopeAdmin, changes: true, params: api.DropParameters, codes: codes,
	}, s.postFollowerDrop)
	streams(rt, "POST /v1/followers/{name}/follow", operation{
		id: "follow", summary: "Follows the log with the client as handler", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.Leased, api.Full, api.Unhandled, api.Trimmed),
		takes: media{contentLines: oneOf{api.FollowRequest{}, api.BatchReply{}}}, gives: media{contentLines: oneOf{crdt.Entry{}, api.BatchEnd{}}},
		about: "A request, and then a reply to each batch, one a line, in; batches of entries, each ended by a line of its own, out.",
	}, s.postFollow)
	s.consumerRoutes(rt)
}

// consumerRoutes are about the batches of followers whose handlers come and fetch them. They ask for [api.ScopeRead]: what
// they move is the place of a reader, as a tail's client does by itself, and nothing that others read. They are not on
// record, which would be an entry for each batch.
func (s *server) consumerRoutes(rt *router) {
	codes := []api.Code{api.LeaseLost, api.Full, api.Damaged, api.ReadOnly, api.NoRoom, api.Uncertain}
	asks(rt, "POST /v1/followers/{name}/fetch", operation{
		id: "fetch", summary: "Gives a consumer the next batch of a follower", scope: api.ScopeRead, moves: true, codes: []api.Code{api.Leased, api.Busy, api.Full, api.Trimmed, api.Damaged, api.ReadOnly, api.NoRoom, api.Uncertain},
		about: "The consumer has the batch until its lease runs out, and a follower has one batch out at a time. Without an entry in time the answer has no lease. The first fetch makes the follower, of which a node has 1000 at most that are made over the network. " +
			"To fetch and to ack is to read: the cursor that is moved is where the reader is, which the node keeps for it. A follower is not one token's own, so that several may share its work; whoever is not to take what is another's gets a token for some kinds, which reaches no follower.",
	}, s.postFetch)
	asks(rt, "POST /v1/followers/{name}/ack", operation{
		id: "ack", summary: "Says that a batch was handled", scope: api.ScopeRead, moves: true, codes: codes,
		about: "The follower's place is durably behind the batch when the answer comes.",
	}, s.postAck)
	asks(rt, "POST /v1/followers/{name}/nack", operation{
		id: "nack", summary: "Says that a batch was not handled", scope: api.ScopeRead, moves: true, codes: codes,
		about: "It comes again after a pause. With parkAfter in the fetch the entry that fails is found and parked after so many failures.",
	}, s.postNack)
	asks(rt, "POST /v1/followers/{name}/extend", operation{
		id: "extendLease", summary: "Puts off the end of a lease", scope: api.ScopeRead, moves: true, codes: []api.Code{api.LeaseLost},
	}, s.postExtend)
}

func (s *server) keepingRoutes(rt *router) {
	codes := []api.Code{api.NotRunning, api.NotFound, api.Damaged, api.ReadOnly, api.NoRoom, api.Uncertain, api.Busy}
	asks(rt, "GET /v1/trim", operation{id: "getTrim", summary: "Says what is trimmed, and who keeps it back", scope: api.ScopeRead}, s.getTrim)
	asks(rt, "POST /v1/trim", operation{id: "trim", summary: "Forgets what the policy lets go", scope: api.ScopeAdmin, changes: true, codes: codes}, s.postTrim)
	asks(rt, "POST /v1/prune", operation{
		id: "prune", summary: "Gives leave to forget a part of the node's own feed", scope: api.ScopeAdmin, changes: true, codes: append(codes, appending...),
		about: "The leave is signed, goes to every node, and is for good.",
	}, s.postPrune)
	asks(rt, "POST /v1/compact", operation{id: "compact", summary: "Writes the log's file anew without what is free", scope: api.ScopeAdmin, changes: true, codes: codes}, s.postCompact)
	tells(rt, "POST /v1/index/rebuild", operation{id: "rebuildIndex", summary: "Makes the index anew", scope: api.ScopeAdmin, changes: true, codes: codes}, s.postIndexRebuild)
	tells(rt, "POST /v1/rebuilds", operation{
		id: "rebuild", summary: "Makes a state anew from the log", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.Trimmed), most: api.MaxCheckRequest,
	}, s.postRebuild)
	tells(rt, "POST /v1/verify", operation{id: "verify", summary: "Walks the whole log", scope: api.ScopeAdmin, codes: codes}, s.postVerify)
	tells(rt, "POST /v1/repair", operation{id: "repair", summary: "Asks others for what is damaged or missing", scope: api.ScopeAdmin, changes: true, codes: codes}, s.postRepair)
	asks(rt, "POST /v1/recover", operation{
		id: "recover", summary: "Says how a node goes on that may not know its own feed's end", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.Recovering, api.SecondWriter),
	}, s.postRecover)
	asks(rt, "POST /v1/sync", operation{id: "sync", summary: "Exchanges with a node without joining it", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.NotSynced)}, s.postSync)
	streams(rt, "POST /v1/bundles", operation{
		id: "createBundle", summary: "Makes a bundle of ops", scope: api.ScopeRead, codes: codes, most: maxSince, gives: media{"application/vnd.quipu.bundle": nil},
	}, s.postBundle)
	streams(rt, "POST /v1/bundles/apply", operation{
		id: "applyBundle", summary: "Takes in a bundle", scope: api.ScopeAdmin, changes: true, codes: codes, takes: media{"application/vnd.quipu.bundle": nil}, gives: media{contentJSON: bundle.Report{}},
	}, s.postBundleApply)
	streams(rt, "POST /v1/backup", operation{
		id: "backup", summary: "Makes a backup", scope: api.ScopeAdmin, codes: codes, most: maxBackup, gives: media{"application/vnd.quipu.backup": nil},
	}, s.postBackup)
	asks(rt, "POST /v1/stop", operation{id: "stop", summary: "Ends the node", scope: api.ScopeAdmin, changes: true, codes: append(codes, api.NotReplicated)}, s.postStop)
}

func (s *server) accessRoutes(rt *router) {
	asks(rt, "GET /v1/tokens", operation{
		id: "listTokens", summary: "Says which tokens there are", scope: api.ScopeAdmin,
		about: "Without their secrets, which nobody knows but who was given them.",
	}, s.getTokens)
	asks(rt, "POST /v1/tokens", operation{
		id: "createToken", summary: "Makes a token", scope: api.ScopeAdmin, changes: true, codes: []api.Code{api.Exists, api.Full},
		about: "The answer has its secret, which is kept nowhere and told once.",
	}, s.postToken)
	asks(rt, "DELETE /v1/tokens/{name}", operation{
		id: "revokeToken", summary: "Revokes a token", scope: api.ScopeAdmin, changes: true, codes: []api.Code{api.NotFound},
		about: "Its calls and streams that run end within 5 s, and its tickets are void.",
	}, s.deleteToken)
	asks(rt, "POST /v1/tickets", operation{
		id: "createTicket", summary: "Makes a ticket", scope: api.ScopeRead, narrow: true,
		about: "A URL that reads one thing for a while without a token, as a browser's EventSource has to. It ends with the token that asks for it.",
	}, rt.postTicket)
	asks(rt, "POST /v1/page/codes", operation{
		id: "createPageCode", summary: "Makes a code to sign in to the page with", scope: api.ScopeAdmin, codes: []api.Code{api.NotRunning},
		about: "It is good once, for two minutes, as what stands behind the # of the page's address. Only the node's own socket makes one, see quipu page.",
	}, s.postPageCode)
	asks(rt, "POST /v1/page/sessions", operation{
		id: "createPageSession", summary: "Gives a session for a sign-in code", codes: []api.Code{api.NotRunning},
		about: "Its token reads for twelve hours, as one of scope read does, moves no follower, and ends with the node. A code that is not known, was used or has expired is refused alike, and so is who tries too many.",
	}, s.postPageSession)
	asks(rt, "DELETE /v1/page/sessions", operation{
		id: "endPageSessions", summary: "Ends the session that asks", scope: api.ScopeRead, codes: []api.Code{api.NotRunning},
		about: "Its token is no good from then on, and what it was being told ends. On the node's own socket it ends all sessions, and makes void the codes that nobody has used.",
	}, s.deletePageSession)
}
