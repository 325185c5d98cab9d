package api

import "net/http"

// Code says to a program why a call was refused.
type Code string

// The codes. What each means, and what to do, says [Code.About].
const (
	Invalid       Code = "invalid"
	Unauthorized  Code = "unauthorized"
	Forbidden     Code = "forbidden"
	Misdirected   Code = "misdirected"
	CrossOrigin   Code = "cross-origin"
	Exists        Code = "exists"
	Full          Code = "full"
	Reserved      Code = "reserved"
	Refused       Code = "refused"
	IDReused      Code = "id-reused"
	NotFound      Code = "not-found"
	WrongMethod   Code = "wrong-method"
	Trimmed       Code = "trimmed"
	TooLarge      Code = "too-large"
	WrongMedia    Code = "wrong-media"
	TooMany       Code = "too-many"
	NotRunning    Code = "not-running"
	Busy          Code = "busy"
	Leased        Code = "leased"
	LeaseLost     Code = "lease-lost"
	Unhandled     Code = "unhandled"
	SecondWriter  Code = "second-writer"
	Recovering    Code = "recovering"
	ReadOnly      Code = "read-only"
	NotSynced     Code = "not-synced"
	NoRoom        Code = "no-room"
	Uncertain     Code = "uncertain"
	Damaged       Code = "damaged"
	Stopping      Code = "stopping"
	NotLive       Code = "not-live"
	NotReady      Code = "not-ready"
	NotReplicated Code = "not-replicated"
	Internal      Code = "internal"
)

// ErrorsPage is where the codes are explained.
const ErrorsPage = "https://github.com/quipulog/quipu/blob/main/docs/ERRORS.md"

// About explains a code.
type About struct {
	// Status is the HTTP status of an answer that is refused with the code.
	Status int
	// Title is what it means, in a few words that stay the same; Why says more of that, Do what helps.
	Title, Why, Do string
}

// Codes are the codes that there are, in the order in which they are explained.
var Codes = []Code{
	Invalid, Unauthorized, Forbidden, Misdirected, CrossOrigin, Exists, Full, Reserved, Refused, IDReused, NotFound, WrongMethod, Trimmed, TooLarge, WrongMedia, TooMany, NotRunning, Busy, Leased, LeaseLost, Unhandled, SecondWriter, Recovering, ReadOnly,
	NotSynced, NoRoom, Uncertain, Damaged, Stopping, NotLive, NotReady, NotReplicated, Internal,
}

// about explains the codes.
var about = map[Code]About{
	Invalid: {http.StatusBadRequest, "the request makes no sense",
		"What was sent is not what the call takes: a parameter, a field or a line of the body is unknown, missing or out of its bounds. Nothing was done, but for the lines before the one that is named.",
		"Read the detail, which names what is wrong and what was expected, and send it again in that form. Sending the same again is no use."},
	Unauthorized: {http.StatusUnauthorized, "who asks is not known",
		"Over the network every call shows a token, in the header \"Authorization: Bearer TOKEN\", or a ticket in its URL. This one showed none, or one that is mistyped, was revoked or has expired; a stream ends with this code when that happens meanwhile.",
		"Show a token of this node: \"quipu token create\" makes one, \"quipu token list\" says which there are. A new ticket comes from POST /v1/tickets."},
	Forbidden: {http.StatusForbidden, "the token does not allow it",
		"The token is good, but it lacks the scope that this call needs, or it is for some kinds or subjects alone and this is about others. A ticket allows reading alone.",
		"Use a token that allows it: the detail says what that needs. What a token allows cannot be changed; make another one."},
	Misdirected: {http.StatusMisdirectedRequest, "the host is not this node's",
		"A request names the host that it was sent to, and this one names a host that the node does not go by. It may come from a page of a stranger, who has let a name of his lead to this machine.",
		"Ask the node by the address that it listens on, or start it with --http-host for each other name by which clients reach it."},
	CrossOrigin: {http.StatusForbidden, "the page may not ask this node",
		"A browser sends the request for a page of another origin, and the node is not told to answer such pages.",
		"Start the node with --http-origin for each origin whose pages may ask, such as https://app.example. Programs that are no browser send no origin."},
	Exists: {http.StatusConflict, "there is one of that name",
		"What was to be made has a name that another one has already. Nothing was made.",
		"Choose another name, or take away the one that is there."},
	Full: {http.StatusConflict, "there are as many as may be",
		"One more is not made: the followers that are made over the network, the tokens and what a follower has parked are bounded, since each takes room for as long as it is there. Nothing was made, and those that are there go on.",
		"Take away those that nobody uses: \"quipu followers\" and \"quipu token list\" say which there are. One follower can be shared by many consumers."},
	Reserved: {http.StatusBadRequest, "the kind is reserved",
		"Kinds that begin with \"quipu.\" are written by quipu itself: an entry of such a kind that anybody could write would mean nothing.",
		"Use a kind of your own, or the call that writes this one, which the detail names."},
	IDReused: {http.StatusUnprocessableEntity, "the id is another event's",
		"An event that is sent again under an id, an Idempotency-Key or a CloudEvent's source and id, is to be the event that it was the first time, its time left aside: this one is another. Nothing was appended.",
		"Send what was sent the first time, whose place the detail names, or give what is new an id of its own."},
	Refused: {http.StatusConflict, "the state machine does not allow the move",
		"The machine that came with the call has no edge for this trigger from the stage that the subject is in now. Nothing of this move was written.",
		"Read the subject's state, and decide again from there."},
	NotFound: {http.StatusNotFound, "it is not here",
		"The thing that was named is not on this node: it never was, it has not come here yet, or there is no such route.",
		"Check the name. An entry that another node has acknowledged comes when the two are linked: see the members."},
	WrongMethod: {http.StatusMethodNotAllowed, "the path is called in another way",
		"There is such a path, and not with this method: what reads is GET, what writes POST, what removes DELETE.",
		"Call it with one of the methods that the detail and the header Allow name."},
	Trimmed: {http.StatusGone, "what was asked for was forgotten",
		"Bodies that were old enough were trimmed, or their author had them pruned everywhere. The member \"trimmed\" says what is gone and where to go on.",
		"Go on at the place or offset that is named, or ask a node that keeps more. A follower that skips what is gone says so when it is made."},
	TooLarge: {http.StatusRequestEntityTooLarge, "it is larger than anything of its kind",
		"A body or a line is longer than its bound, which the detail names.",
		"Send less at once: a payload is bounded, a stream of lines is not."},
	WrongMedia: {http.StatusUnsupportedMediaType, "the body is of a type that is not taken",
		"The header Content-Type says how a body is to be read, and this one is of a type that the call does not read.",
		"Send one of the types that the detail and the header Accept name, with the Content-Type that it has."},
	TooMany: {http.StatusTooManyRequests, "the token makes too many calls",
		"One token may make so many calls a second, and have so many under way, streams among them; one address may try so many sign-in codes. Others are not held up by it.",
		"Call again after the pause that the answer names. Send many events in one call, keep a stream open instead of asking again and again, or start the node with a higher --http-rate."},
	NotRunning: {http.StatusServiceUnavailable, "only a running node can do that",
		"The folder was opened without a daemon, and what was asked for needs one: others have to be heard or told.",
		"Start the node with \"quipu start\", and call again."},
	Busy: {http.StatusServiceUnavailable, "as many as may do this do it",
		"Somebody else holds what the call needs, such as a follower's name, or as many streams run as may.",
		"Call again after the pause that the answer names, or end the other call."},
	Leased: {http.StatusConflict, "another consumer has the batch",
		"A follower gives one batch at a time to one consumer, and this one has it now, or waits for it. The member \"held\" says who and until when, unless that is extended.",
		"Fetch again after that, or earlier: the holder may be done before. A consumer that is gone loses the batch when its lease runs out."},
	LeaseLost: {http.StatusConflict, "the lease is lost",
		"The lease ran out, the node was started anew, the follower was moved, or the batch was acked or given back before. Nothing was moved by this call.",
		"Drop the batch and fetch again. Unless it was acked it comes again, to this consumer or another one: what handles it must bear that. Extend the lease in time where the work takes longer."},
	Unhandled: {http.StatusInternalServerError, "the follower's handler has failed",
		"The handler of a follower has returned an error, and the follower is one that stops then. Its cursor was not moved: the batch comes again.",
		"Mend the handler and follow again, skip the entries, or have the follower park what fails."},
	SecondWriter: {http.StatusConflict, "another process writes with this node's key",
		"An op came from elsewhere that this node's key has signed and that this node has not written. It appends nothing more: each entry would be disputed.",
		"Find the other process and stop it, then give one of the two a key of its own: see \"quipu forks show\"."},
	Recovering: {http.StatusConflict, "the node may not know the end of its own feed",
		"The folder may have been copied, moved or put back to an older state. Before the node appends it asks the others where its feed ends.",
		"Wait until it has heard from them, or say how it goes on: \"quipu recover --dir D\"."},
	ReadOnly: {http.StatusServiceUnavailable, "the log takes nothing",
		"Its disk has failed, so that what is on it is not known, or it was opened for reading only. Reading goes on.",
		"Look at the disk and at the node's log; after a failure the node opens and verifies the file by itself and goes on."},
	NotSynced: {http.StatusBadGateway, "the exchange with the other node broke off",
		"The node that was named could not be reached, refused, or went away. What was exchanged before that is kept.",
		"Check the address, the secret and the network, and sync again."},
	NoRoom: {http.StatusInsufficientStorage, "the disk is full",
		"There is no room for what was to be written. Nothing of it was.",
		"Make room, or trim and compact the log; then append again. The node goes on by itself."},
	Uncertain: {http.StatusServiceUnavailable, "it may have been written or not",
		"The disk failed while the entries were written: whether they are durable is known when the file was opened again.",
		"Read the places that the detail names before sending again; an append with an idempotency key can simply be sent again."},
	Damaged: {http.StatusInternalServerError, "the log's file is not what was written",
		"A page of the file was changed by the disk, or by somebody. The detail names the place; other entries are read as before.",
		"Run \"quipu repair\", which fetches what is damaged from other nodes."},
	Stopping: {http.StatusServiceUnavailable, "the node is stopping",
		"The node is shutting down, and takes no more calls.",
		"Call again after its next start, or another node."},
	NotLive: {http.StatusServiceUnavailable, "the node has to be started anew",
		"Its log could not be opened again after the disk had failed, or a part of it has ended: the member \"reasons\" says which. It does not get well by itself, and is about to end.",
		"Start it anew. Where that does not last, the node's log says what is wrong with the disk."},
	NotReady: {http.StatusServiceUnavailable, "the node is not ready",
		"It may not append, its disk is full, or it has not caught up with the members since its start, for which it is not ready for 30 s at most: the member \"reasons\" says which, and to who may read the detail says why. It answers calls all the same.",
		"Wait, and send others to another node meanwhile. Where it does not end by itself, \"quipu status\" says what keeps it."},
	NotReplicated: {http.StatusGatewayTimeout, "others do not hold it yet",
		"The entries are durable on this node and stay. Those who were waited for did not hold them in time; \"where\" says who has.",
		"Nothing need be sent again: they go on to the others by themselves. Ask where they are later."},
	Internal: {http.StatusInternalServerError, "a fault of the node's own",
		"Something went wrong that should not: the node's log says more.",
		"Look at the node's log, and report it."},
}

// About returns what a code means; of one that is not known, what [Internal] does.
func (c Code) About() About {
	a, known := about[c]
	if !known {
		return about[Internal]
	}
	return a
}
