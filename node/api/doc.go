// Package api is a node's HTTP interface as its clients see it: the routes, and what they take and return.
// Package client makes the calls, package server answers them.
//
//	POST /v1/entries       events, one JSON form a line, in; places, in order, out as they become durable
//	                       with wait=N, all or AUTHOR it ends when other nodes hold them durably, or with an error
//	                       after wait-timeout=30s; ack-replicated=true keeps each place back until then
//	GET  /v1/entries       the entries that a query takes, one JSON form a line
//	GET  /v1/entries/{place}  one entry
//	GET  /v1/entries/{place}/where  which nodes hold it
//	GET  /v1/entries/{place}/proof  its proof
//	GET  /v1/tail          the same in arrival order, and then new ones as they come
//	                       with after=CURSOR those behind a cursor, such as the status has of the end
//	                       with transient=true also the transient events that are heard meanwhile
//	POST /v1/broadcast     a transient event in; told to those who listen, and stored nowhere
//	POST /v1/transitions   moves, one a line, in; places out; waits as entries do
//	GET  /v1/transitions   the transition log, one a line, up to the same; POST /v1/transitions/at
//	GET  /v1/state         each subject's stage, one a line, now or at a time or a frontier; POST /v1/state/at for a long one
//	GET  /livez            that the node lives
//	GET  /readyz           that it may append, and has caught up since its start or had 30 s to
//	GET  /v1/status        who the node is and what it holds
//	GET  /v1/members       the members it knows of
//	GET  /v1/links         its links to them
//	GET  /v1/frontier      exactly what it holds; /v1/frontier/hash in one hash
//	GET  /v1/forks         the authors who contradict themselves, one a line
//	GET  /v1/forks/{author}  where one of them does, and what each branch holds
//	GET  /v1/stats         entries counted by kind, module and author
//	GET  /v1/index         how far the index of subjects and kinds is
//	POST /v1/index/rebuild makes it anew
//	POST /v1/rebuilds      makes a state anew from the log; GET says how far rebuilds are
//	POST /v1/trim          forgets what the node's policy lets go
//	GET  /v1/trim          the policy, who keeps back trims, and what the last one did
//	GET  /v1/gone          what is not here of each author, one a line
//	POST /v1/prune         gives leave, for good, to forget a part of the node's own feed
//	POST /v1/compact       writes the log's file anew without what is free
//	GET  /v1/followers     where each follower stands, one a line
//	GET  /v1/followers/{name}  where one stands
//	POST /v1/followers/{name}/reset   moves it: to=start, end or an offset
//	POST /v1/followers/{name}/skip    moves it behind its next entries: entries=N
//	GET  /v1/followers/{name}/parked  what it could not handle and has parked, one a line
//	POST /v1/followers/{name}/drop    gives that up: offset=N, as often as wanted, or all of it
//	DELETE /v1/followers/{name}       forgets the follower
//	POST /v1/followers/{name}/follow  the client is its handler: a request and then a reply to each batch,
//	                       one a line, in; batches of entries, each ended by a line of its own, out
//	POST /v1/followers/{name}/fetch   gives a consumer the next batch of the follower for a while, with a lease
//	POST /v1/followers/{name}/ack     the batch of a lease was handled; nack: it was not, and comes again
//	POST /v1/followers/{name}/extend  puts off the end of a lease
//	POST /v1/sync          exchanges both ways with a node that is named, without joining it
//	POST /v1/bundles        ops as a bundle, out; what was left out in a trailer
//	POST /v1/bundles/apply  a bundle in; what became of it out
//	POST /v1/stop          ends the daemon, at once or when others hold its entries
//	POST /v1/verify        walks the whole log and reports; how far it is, meanwhile
//	POST /v1/repair        asks others for what is damaged or missing, and reports
//
// The few types: [Query] says which entries. [Error] is why the node refused, with a [Code] for
// programs. [Follower] is where a follower stands, and [Batch] what one is given whose handler is the
// client. [Status], [Member], [Frontier] and [Report] are what the other routes return.
//
// Every route is described by GET /openapi.json.
//
// One thing has one form. Fields are camelCase, parameters and paths kebab-case. A time is text by RFC 3339. A span of time
// that somebody sets is text with its units, "1d12h"; one that was measured is a number of seconds, and its name ends so.
// What names in the plural count, such as entries, ops and bytes, is a number.
//
// A walk: a client connects to the node's socket, posts lines, and reads places while it still posts;
// both directions stream. A stream that fails in the middle ends with a line
//
//	{"error":{"type":"…","title":"…","status":400,"code":"invalid","detail":"…","line":3}}
//
// and what stood before that line is true: a place that was received is durable. A stream that ends
// without it, and without HTTP's own end, was cut off, which the client returns as an error that wraps
// [ErrLeft].
//
// A node that has nothing to say in a call says every [KeepAlive] that it lives, if the request has a
// [NodeHeader]: before the head of its answer with an interim response, "102 Processing", and in a stream
// of lines with an empty line. So such a client need not wait for one that is stopped or hangs: it gives up
// after [Silence].
//
// The routes are served on the node's Unix socket, whose mode says who may connect, and where the node is told so on a
// port, to those who show a token: see packages access and gateway.
package api
