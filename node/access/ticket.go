package access

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// ErrTicket is returned by [Store.Ticket] for a ticket that is to be good for too long.
var ErrTicket = errors.New("invalid ticket")

// ticketPrefix begins every ticket.
const ticketPrefix = secretPrefix + "ticket_"

// ticketHead is how many bytes of a ticket stand before its HMAC: the token's id, and when the ticket expires, in seconds
// since 1970.
const ticketHead = len(id{}) + 8

// Ticket returns a ticket to read target with what g grants: the path and query of a request, in a form that
// [Store.CheckTicket] is given as well. It is good for ttl, at most [api.MaxTicket] and as long as the token.
func (s *Store) Ticket(g *Grant, target string, ttl time.Duration) (ticket string, expires time.Time, err error) {
	if ttl > api.MaxTicket {
		return "", expires, fmt.Errorf("%w: expected one that is good for at most %s, got %s", ErrTicket, api.MaxTicket, ttl)
	}
	if ttl == 0 {
		ttl = api.MaxTicket
	}
	expires = time.Now().Add(ttl).Truncate(time.Second).UTC()
	if !g.Expires.IsZero() && g.Expires.Before(expires) {
		expires = g.Expires
	}
	i := idOf(g.hash)
	head := binary.BigEndian.AppendUint64(i[:], uint64(expires.Unix()))
	mac, err := s.mac(g.hash, head, target)
	if err != nil {
		return "", expires, err
	}
	return ticketPrefix + text.EncodeToString(append(head, mac...)), expires, nil
}

// CheckTicket returns what a ticket grants to who reads target, or an error that wraps [ErrRefused] and shows nothing of
// it. It grants reading alone, whatever else its token allows.
func (s *Store) CheckTicket(ticket, target string) (*Grant, error) {
	body, known := strings.CutPrefix(ticket, ticketPrefix)
	b, err := text.DecodeString(body)
	if !known || err != nil || len(b) != ticketHead+sha256.Size {
		return nil, fmt.Errorf("%w: what the URL has is no ticket, or not all of one", ErrRefused)
	}
	head, mac := b[:ticketHead], b[ticketHead:]
	of, err := s.find(id(head[:len(id{})]))
	if err != nil {
		return nil, err
	}
	want, err := s.mac(of.hash, head, target)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(want, mac) {
		return nil, fmt.Errorf("%w: the ticket is another URL's, or void", ErrRefused)
	}
	g := *of
	g.Expires = time.Unix(int64(binary.BigEndian.Uint64(head[len(id{}):])), 0).UTC()
	g.Scopes = slices.DeleteFunc([]api.Scope{api.ScopeRead, api.ScopeMetrics}, func(scope api.Scope) bool { return !of.Allows(scope) })
	if err := cmp.Or(checkTime("the token", of.Expires), checkTime("the ticket", g.Expires)); err != nil {
		return nil, err
	}
	return &g, nil
}

// mac returns the HMAC of a ticket of the token with a hash.
func (s *Store) mac(h hash, head []byte, target string) ([]byte, error) {
	s.keying.Lock()
	key, err := s.folder.TicketKey()
	s.keying.Unlock()
	if err != nil {
		return nil, err
	}
	m := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte("quipu/ticket/v1\x00"), h[:], head, []byte(target)} {
		_, _ = m.Write(part) // which never fails
	}
	return m.Sum(nil), nil
}
