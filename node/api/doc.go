// Package api is a node's HTTP interface as its clients see it: the routes, what they take and return,
// and a client for them. Package server has the other end.
//
//	POST /v1/entries       events, one JSON form a line, in; places, in order, out as they become durable
//	                       with wait=N, all or AUTHOR it ends when other nodes hold them durably, or with an error
//	                       after wait-timeout=30s; ack-replicated=true keeps each place back until then
//	GET  /v1/entries       the entries that a query takes, one JSON form a line
//	GET  /v1/entries/{place}  one entry
//	GET  /v1/where/{place}    which nodes hold it
//	GET  /v1/tail          the same in arrival order, and then new ones as they come
//	                       with after=CURSOR those behind a cursor, such as the status has of the end
//	                       with transient=true also the transient events that are heard meanwhile
//	POST /v1/broadcast     a transient event in; told to those who listen, and stored nowhere
//	POST /v1/transitions   moves, one a line, in; places out; waits as entries do
//	GET  /v1/transitions   the transition log, one a line
//	GET  /v1/state         each subject's present stage, one a line
//	GET  /v1/status        who the node is and what it holds
//	GET  /v1/members       the members it knows of
//	GET  /v1/frontier      exactly what it holds
//	GET  /v1/forks         the authors who contradict themselves, one a line
//	GET  /v1/forks/{author}  where one of them does, and what each branch holds
//	GET  /v1/index         how far the index of subjects and kinds is
//	POST /v1/index/rebuild makes it anew
//	POST /v1/trim          forgets what the node's policy lets go
//	GET  /v1/trim          the policy, who keeps back trims, and what the last one did
//	GET  /v1/gone          what is not here of each author, one a line
//	POST /v1/prune         gives leave, for good, to forget a part of the node's own feed
//	POST /v1/compact       writes the log's file anew without what is free
//	GET  /v1/followers     where each follower stands, one a line
//	GET  /v1/followers/show    where one stands: ?name=NAME, as in those below
//	POST /v1/followers/reset   moves it: &to=start, end or an offset
//	POST /v1/followers/skip    moves it behind its next entries: &entries=N
//	GET  /v1/followers/parked  what it could not handle and has parked, one a line
//	POST /v1/followers/drop    gives that up: &offset=N, as often as wanted, or all of it
//	POST /v1/followers/remove  forgets the follower
//	POST /v1/follow        a follower whose handler is the client: a request and then a reply to each batch,
//	                       one a line, in; batches of entries, each ended by a line of its own, out
//	POST /v1/sync          exchanges both ways with a node that is named, without joining it
//	POST /v1/bundle        ops as a bundle, out; what was left out in a trailer
//	POST /v1/bundle/apply  a bundle in; what became of it out
//	POST /v1/stop          ends the daemon, at once or when others hold its entries
//	POST /v1/verify        walks the whole log and reports; how far it is, meanwhile
//	POST /v1/repair        asks others for what is damaged or missing, and reports
//	GET  /v1/proof/{place} the proof of one entry
//
// The few types: [Client] makes the calls. [Query] says which entries. [Line] is an entry as it came
// over the wire, byte for byte, parsed when asked. [Error] is why the node refused, with a [Code] for
// programs. [Follower] is where a follower stands, and [Batch] what one is given whose handler is the
// client. [Status], [Member], [Frontier] and [Report] are what the other routes return.
//
// A walk: a client connects to the node's socket, posts lines, and reads places while it still posts;
// both directions stream. A stream that fails in the middle ends with a line
//
//	{"error":{"code":"invalid","message":"…","line":3}}
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
// The routes are served on the node's Unix socket, whose mode says who may connect; nothing here asks
// for a password or speaks TLS.
package api
