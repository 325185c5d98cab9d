package access

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// ErrExists is returned by [Store.Create] for a name that a token has, which may have expired.
var ErrExists = errors.New("there is a token of that name")

// ErrFull is returned by [Store.Create] where there are as many tokens as may be.
var ErrFull = errors.New("there are too many tokens")

// ErrNone is returned by [Store.Revoke] for a name that no token has.
var ErrNone = errors.New("there is no token of that name")

// Store is the tokens of a folder. Its methods may be called from any goroutine. The check of a token waits for no
// disk.
type Store struct {
	folder folder.Folder

	keying sync.Mutex // held while the key of the tickets is made or read
	// filing is held while the file is read or written, and comes before mu.
	filing sync.Mutex

	mu sync.RWMutex // guards what follows, which changes with filing held as well
	// text is what the file held when it was taken last; nil before the first token was made.
	text []byte
	// taken says that the file, or that there is none, is known.
	taken  bool
	tokens []*held
	byID   map[id]*held

	sessions sessions
}

// id is how a token is found: the first bytes of its hash.
type id [8]byte

// held is a token that counts, with what it grants.
type held struct {
	token api.Token
	grant *Grant
	// end closes the grant's Done.
	end context.CancelFunc
}

func newHeld(t api.Token, h hash) *held {
	life, end := context.WithCancel(context.Background())
	return &held{t, &Grant{Name: t.Name, Scopes: t.Scopes, Kinds: t.Kinds, Subjects: t.Subjects, Expires: t.Expires, Done: life.Done(), hash: h, life: life}, end}
}

// expired reports whether a token or a ticket that expires then is no good any more.
func expired(expires time.Time) bool { return !expires.IsZero() && !time.Now().Before(expires) }

// New returns the tokens of the folder dir. Nothing is read yet: a file that is damaged stops nobody who needs no token.
func New(dir string) *Store { return &Store{folder: folder.Folder(dir)} }

// Read takes what the file says by now, and ends the grants of what is not in it any more, or has expired. Where it
// returns an error, because the file is not what was written, is open to others ([folder.ErrMode]) or is gone that was
// there, all that was known goes on.
func (s *Store) Read() error {
	s.filing.Lock()
	defer s.filing.Unlock()
	return s.read()
}

// read is Read with filing held.
func (s *Store) read() error {
	for _, t := range s.tokens {
		if expired(t.token.Expires) {
			t.end()
		}
	}
	b, err := s.folder.ReadTokens()
	if errors.Is(err, fs.ErrNotExist) && s.text == nil {
		s.take(nil, nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	if bytes.Equal(b, s.text) {
		return nil
	}
	tokens, wrong := decode(b)
	if wrong != "" {
		return fmt.Errorf("read tokens: %w", s.folder.SpoiltTokens(wrong))
	}
	s.take(tokens, b)
	return nil
}

// take lets some tokens count, which stand in the file as b, and ends those that do not any more. Filing is held.
func (s *Store) take(tokens []*held, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byID := make(map[id]*held, len(tokens))
	for i, t := range tokens {
		old := s.byID[idOf(t.grant.hash)]
		if old != nil && old != t && old.grant.hash == t.grant.hash && reflect.DeepEqual(old.token, t.token) {
			t.end()
			tokens[i], t = old, old
		}
		byID[idOf(t.grant.hash)] = t
	}
	for _, old := range s.tokens {
		if !slices.Contains(tokens, old) {
			old.end()
		}
	}
	s.tokens, s.byID, s.text, s.taken = tokens, byID, b, true
}

func idOf(h hash) id { return id(h[:len(id{})]) }

// Create makes a token, and returns its secret, which is kept nowhere. It returns [ErrToken] for one that makes no
// sense, [ErrExists] and [ErrFull].
func (s *Store) Create(r api.TokenRequest) (secret string, t api.Token, err error) {
	now := time.Now().UTC().Truncate(time.Second)
	t = api.Token{Name: r.Name, Scopes: r.Scopes, Kinds: r.Kinds, Subjects: r.Subjects, Created: now}
	if r.TTL != 0 {
		t.Expires = now.Add(time.Duration(r.TTL))
	}
	if err := check(t); err != nil {
		return "", t, err
	}
	secret, h := newSecret()
	err = s.change(func(tokens []*held) ([]*held, error) {
		switch {
		case slices.ContainsFunc(tokens, named(t.Name)):
			return nil, fmt.Errorf("%w: %s: revoke it, or choose another name", ErrExists, t.Name)
		case len(tokens) == maxTokens:
			return nil, fmt.Errorf("%w: %d, as many as may be: revoke those that nobody uses", ErrFull, len(tokens))
		}
		return append(tokens, newHeld(t, h)), nil
	})
	if err != nil {
		return "", t, fmt.Errorf("create token: %w", err)
	}
	return secret, t, nil
}

// Revoke ends a token for good, and every grant of it. It returns [ErrNone] for a name that no token has.
func (s *Store) Revoke(name string) error {
	err := s.change(func(tokens []*held) ([]*held, error) {
		i := slices.IndexFunc(tokens, named(name))
		if i < 0 {
			return nil, fmt.Errorf("%w: %.80q", ErrNone, name)
		}
		return slices.Delete(tokens, i, i+1), nil
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

func named(name string) func(*held) bool {
	return func(t *held) bool { return t.token.Name == name }
}

// change writes the tokens that to makes of those that the file has, and lets them count.
func (s *Store) change(to func([]*held) ([]*held, error)) error {
	s.filing.Lock()
	defer s.filing.Unlock()
	if err := s.read(); err != nil {
		return err
	}
	tokens, err := to(slices.Clone(s.tokens))
	if err != nil {
		return err
	}
	b, err := encode(tokens)
	if err != nil {
		return err
	}
	if err := s.folder.WriteTokens(b); err != nil {
		return err // the next look takes what the file then has
	}
	s.take(tokens, b)
	return nil
}

// List returns the tokens in the order in which they were made, those that have expired among them.
func (s *Store) List() ([]api.Token, error) {
	s.filing.Lock()
	defer s.filing.Unlock()
	if err := s.read(); err != nil {
		return nil, err
	}
	all := make([]api.Token, len(s.tokens))
	for i, t := range s.tokens {
		all[i] = t.token
	}
	return all, nil
}

// Check returns what the token of a secret grants, or an error that wraps [ErrRefused] and shows nothing of it.
func (s *Store) Check(secret string) (*Grant, error) {
	h, err := parseSecret(secret)
	if err != nil {
		return nil, err
	}
	g, err := s.find(idOf(h))
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(g.hash[:], h[:]) != 1 {
		return nil, errUnknown
	}
	if err := checkTime("the token", g.Expires); err != nil {
		return nil, err
	}
	return g, nil
}

var errUnknown = fmt.Errorf("%w: the token is not known here: it was revoked, or is another node's", ErrRefused)

// find returns the grant of the token, or the session, whose hash begins with i.
func (s *Store) find(i id) (*Grant, error) {
	if g := s.sessions.find(i); g != nil {
		return g, nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.taken {
		return nil, fmt.Errorf("read tokens: they could not be read since the start: %s", s.folder.Tokens())
	}
	if t := s.byID[i]; t != nil {
		return t.grant, nil
	}
	return nil, errUnknown
}

// checkTime refuses what has expired.
func checkTime(what string, expires time.Time) error {
	if expired(expires) {
		return fmt.Errorf("%w: %s has expired at %s", ErrRefused, what, expires.UTC().Format(time.RFC3339))
	}
	return nil
}

// Run looks again and again for what has expired and for what another process has changed, until ctx ends. What it cannot
// read the logger is told, once.
func (s *Store) Run(ctx context.Context, logger *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told := ""
	for {
		err := s.Read()
		switch {
		case err != nil && err.Error() != told:
			logger.Error("the tokens cannot be read: those that were known go on, and none is made or revoked", "err", err)
			told = err.Error()
		case err == nil && told != "":
			logger.Info("the tokens can be read again")
			told = ""
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
