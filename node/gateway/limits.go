package gateway

import "time"

const (
	// headFor is how long a client has for the head of a request, for TLS before it, and to say that it is there.
	headFor = 10 * time.Second
	// idleFor is how long a connection may lie idle between two calls.
	idleFor = 2 * time.Minute
	// pingAfter is how long a connection of HTTP/2 says nothing before its client is asked whether it is there.
	pingAfter = 30 * time.Second
	// bodyFor is how long a client has to send a body that is no stream.
	bodyFor = 30 * time.Second
	// lastFor is how long what is left of a body is waited for behind an answer.
	lastFor = 5 * time.Second
	// writeFor is how long a client has to take a part of an answer, of writePart bytes at most.
	writeFor  = time.Minute
	writePart = 64 << 10
	// maxHead bounds the head of a request, in bytes.
	maxHead = 32 << 10
	// maxStreams bounds the calls under way on one connection of HTTP/2.
	maxStreams = 256
	// maxConns bounds the connections. Of more, those end first in which nobody has shown a token.
	maxConns = 4096
	// keptFiles is how many of the files that the process may open are not for these connections, or half of them where
	// they are few. maxRefused of them are for connections that are told that there are too many.
	keptFiles  = 512
	maxRefused = 32
	// maxCalls bounds the calls under way, streams among them, maxTokenCalls those of one token.
	maxCalls      = 4096
	maxTokenCalls = 1024
	// maxRate bounds how many calls a second one token may be allowed.
	maxRate = 1_000_000
)
