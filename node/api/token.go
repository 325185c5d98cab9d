package api

import (
	"time"

	"github.com/quipulog/quipu/node/age"
)

// Token is one of a node's tokens, without what proves that somebody has it.
type Token struct {
	Name   string  `json:"name"`   // what the node and its audit call it
	Scopes []Scope `json:"scopes"` // what it allows
	// Kinds and Subjects narrow it to entries of these kinds, of which those that end in ".*" are prefixes, and to those
	// whose subject begins with one of these texts. With either it reaches entries, tail and append alone.
	Kinds    []string `json:"kinds,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
	// Created is when it was made, Expires from when on it is no good any more; the zero time is never.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// TokenRequest says what a new token is to allow: see [Token].
type TokenRequest struct {
	// Name is 1 to 64 letters, digits, dots, dashes, underscores and @, the first a letter or a digit.
	Name     string   `json:"name"`
	Scopes   []Scope  `json:"scopes"`             // what it is to allow, one scope or more
	Kinds    []string `json:"kinds,omitempty"`    // of these kinds alone; one that ends in .* takes all that begin so
	Subjects []string `json:"subjects,omitempty"` // of subjects that begin with one of these texts alone
	// TTL is how long it is good; 0 is for ever.
	TTL age.Age `json:"ttl,omitempty"`
}

// NewToken is a token that was made just now, with the secret that proves it, which nobody is told again.
type NewToken struct {
	Token
	Secret string `json:"secret"` // what a client shows; it is told this once
}

// TicketRequest asks for a ticket, which lets a browser read where it cannot show a token.
type TicketRequest struct {
	// URL is the path and the query of what is read, without the host.
	URL string `json:"url"`
	// TTL is how long the ticket is good, at most [MaxTicket], which is what 0 means.
	TTL age.Age `json:"ttl,omitempty"`
}

// MaxTicket is how long a ticket is good at most.
const MaxTicket = 12 * time.Hour

// Ticket is a way to read one thing for a while without a token.
type Ticket struct {
	// URL is the path and query of the request, with the ticket.
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"` // from when on it is no good any more
}

// ParamTicket is the parameter of a URL that holds a ticket.
const ParamTicket = "ticket"

// ClientHeader is the header of an entry that says which token it was appended with: its name. The node writes it.
const ClientHeader = "quipu-client"

// IDHeader is the header of an entry with the id that its event was appended with: see [KeyHeader]. The node writes it.
const IDHeader = "quipu-id"
