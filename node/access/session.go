package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// ErrTries is returned by [Store.Exchange] where too many codes that are not good were shown from one address.
var ErrTries = errors.New("too many sign-in codes were tried from here")

// errCode refuses a code, whatever is wrong with it.
var errCode = fmt.Errorf("%w: the sign-in code is not known: it was used, is older than %s, or is another node's; quipu page makes a new one", ErrRefused, codeFor)

// sessions are those who have signed in with a code, and the codes that nobody has used yet. All of it is in memory, and
// gone when the process ends. Its methods may be called from any goroutine.
type sessions struct {
	mu    sync.RWMutex // guards what follows
	codes []code       // in the order in which they were made
	held  []*held      // in the order in which they began
	// tries are up to when those are paid for that were made from an address, each with a second: see [tryAtOnce].
	tries map[netip.Prefix]time.Time
}

// code is what is kept of a sign-in code.
type code struct {
	hash    hash
	expires time.Time
}

func codeHash(text string) hash { return sha256.Sum256(append([]byte("quipu/code/v1\x00"), text...)) }

// SignIn makes a sign-in code, for which [Store.Exchange] gives a session once, within two minutes. Of the codes that
// nobody has used the newest are good: where there are many the oldest is void.
func (s *Store) SignIn() (text string, expires time.Time) {
	random := make([]byte, secretSize)
	_, _ = rand.Read(random) // which never fails
	text = base64.RawURLEncoding.EncodeToString(random)
	made := code{codeHash(text), time.Now().Add(codeFor)}
	all := &s.sessions
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.codes) == maxCodes {
		all.codes = slices.Delete(all.codes, 0, 1)
	}
	all.codes = append(all.codes, made)
	return text, made.expires.UTC().Truncate(time.Second)
}

// Exchange gives the secret of a new session, which reads for twelve hours, for a code of [Store.SignIn] that is void from
// then on. The error wraps [ErrRefused] and is the same whatever is wrong with the code; it is [ErrTries] where the
// address has shown more than ten such codes and not waited a second for each since. Where there are many sessions the oldest ends.
func (s *Store) Exchange(text string, from netip.Addr) (secret string, expires time.Time, err error) {
	now := time.Now()
	all := &s.sessions
	all.mu.Lock()
	defer all.mu.Unlock()
	if !all.redeem(codeHash(text), now) { // a good code is taken however many others came from there: it cannot be guessed
		if !all.try(from, now) {
			return "", expires, ErrTries
		}
		return "", expires, errCode
	}
	secret, h := newSecret()
	expires = now.Add(sessionFor).UTC().Truncate(time.Second)
	all.forget(func(one *held) bool { return expired(one.token.Expires) })
	if len(all.held) == maxSessions {
		oldest := all.held[0]
		all.forget(func(one *held) bool { return one == oldest })
	}
	one := newHeld(api.Token{Name: sessionName, Scopes: []api.Scope{api.ScopeRead}, Created: now, Expires: expires}, h)
	one.grant.Session = true
	all.held = append(all.held, one)
	return secret, expires, nil
}

// EndSession ends the session that a grant is of, and returns how many it ended: none where the grant is of no session. Without a
// grant it ends all of them, and makes void the codes that nobody has used.
func (s *Store) EndSession(of *Grant) (ended int) {
	all := &s.sessions
	all.mu.Lock()
	defer all.mu.Unlock()
	before := len(all.held)
	all.forget(func(one *held) bool { return of == nil || one.grant == of })
	if of == nil {
		all.codes = nil
	}
	return before - len(all.held)
}

// redeem reports whether a code is good, and makes it void. How long that takes says nothing of the codes that there are.
func (all *sessions) redeem(shown hash, now time.Time) bool {
	found := -1
	for i := range all.codes {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(all.codes[i].hash[:], shown[:]), i, found)
	}
	if found < 0 {
		return false
	}
	good := now.Before(all.codes[found].expires)
	all.codes = slices.Delete(all.codes, found, found+1)
	return good
}

// forget ends the sessions that one says.
func (all *sessions) forget(one func(*held) bool) {
	all.held = slices.DeleteFunc(all.held, func(h *held) bool {
		if one(h) {
			h.end()
			return true
		}
		return false
	})
}

// try reports whether an address is told now that a code is not good, and counts it. Those of one network of IPv6, of which a
// client may have all addresses, are one.
func (all *sessions) try(from netip.Addr, now time.Time) bool {
	from = from.Unmap()
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	at, _ := from.Prefix(bits) // the zero prefix of no address
	if all.tries == nil {
		all.tries = make(map[netip.Prefix]time.Time)
	}
	paid, known := all.tries[at]
	if !known && len(all.tries) == maxTriers {
		all.forgetTrier()
	}
	if paid.Before(now) {
		paid = now
	}
	if paid = paid.Add(tryEvery); paid.Sub(now) > tryAtOnce*tryEvery {
		return false
	}
	all.tries[at] = paid
	return true
}

// forgetTrier forgets the address whose tries are paid for first.
func (all *sessions) forgetTrier() {
	var first netip.Prefix
	for at, paid := range all.tries {
		if !first.IsValid() || paid.Before(all.tries[first]) {
			first = at
		}
	}
	delete(all.tries, first)
}

// find returns the grant of the session whose secret's hash begins with i, nil where there is none.
func (all *sessions) find(i id) *Grant {
	all.mu.RLock()
	defer all.mu.RUnlock()
	for _, one := range all.held {
		if idOf(one.grant.hash) == i {
			return one.grant
		}
	}
	return nil
}
