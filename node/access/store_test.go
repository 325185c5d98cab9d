package access_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// reader asks for a token to read, called name.
func reader(name string) api.TokenRequest {
	return api.TokenRequest{Name: name, Scopes: []api.Scope{api.ScopeRead}}
}

// create makes a token and returns its secret.
func create(t *testing.T, s *access.Store, r api.TokenRequest) string {
	t.Helper()
	secret, _, err := s.Create(r)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// opened returns the tokens of a folder as another process reads them.
func opened(t *testing.T, dir string) *access.Store {
	t.Helper()
	s := access.New(dir)
	if err := s.Read(); err != nil {
		t.Fatal(err)
	}
	return s
}

// refused fails the test unless err says that there is no access, and nothing of the secret.
func refused(t *testing.T, err error, secret string) {
	t.Helper()
	if !errors.Is(err, access.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
		return
	}
	for i := 0; i+12 <= len(secret); i++ {
		if part := secret[i : i+12]; strings.Contains(err.Error(), part) && !strings.Contains("quipu_ticket_", part) {
			t.Errorf("the error shows %q of the secret: %v", part, err)
		}
	}
}

func ended(g *access.Grant) bool {
	select {
	case <-g.Done:
		return true
	default:
		return false
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	asked := api.TokenRequest{Name: "mailer", Scopes: []api.Scope{api.ScopeAppend}, Kinds: []string{"mail.*"}, Subjects: []string{"user/"}}
	secret := create(t, s, asked)
	other := create(t, s, reader("other"))
	if secret == other || !strings.HasPrefix(secret, "quipu_") || len(secret) != 64 {
		t.Errorf("secrets %q and %q", secret, other)
	}
	for _, s := range []*access.Store{s, opened(t, dir)} {
		g, err := s.Check(secret)
		if err != nil {
			t.Fatal(err)
		}
		got := api.TokenRequest{Name: g.Name, Scopes: g.Scopes, Kinds: g.Kinds, Subjects: g.Subjects}
		if diff := cmp.Diff(asked, got); diff != "" {
			t.Error(diff)
		}
	}
	path := filepath.Join(dir, "tokens.json")
	stat, err := os.Stat(path)
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", stat.Mode(), err)
	}
	if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte(secret[6:20])) {
		t.Errorf("the file has the secret: %s, %v", b, err)
	}
	if _, _, err := s.Create(reader("mailer")); !errors.Is(err, access.ErrExists) {
		t.Errorf("a second one of that name: %v", err)
	}
	if err := s.Revoke("nobody"); !errors.Is(err, access.ErrNone) {
		t.Errorf("revoke one that is not there: %v", err)
	}
}

func TestSecretsThatProveNothing(t *testing.T) {
	s := opened(t, t.TempDir())
	secret := create(t, s, reader("r"))
	foreign := create(t, opened(t, t.TempDir()), reader("r"))
	for name, shown := range map[string]string{
		"none":         "",
		"cut":          secret[:len(secret)-1],
		"more":         secret + "a",
		"other prefix": "gh" + secret[2:],
		"upper case":   strings.ToUpper(secret),
		"line breaks":  secret[:10] + strings.Repeat("\n", 16) + secret[26:],
		"foreign":      foreign,
	} {
		_, err := s.Check(shown)
		refused(t, err, shown)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	for i := len("quipu_"); i < len(secret)-1; i++ { // the last has two bits that say nothing
		typo := []byte(secret)
		typo[i] ^= 1 // within the alphabet, or out of it
		_, err := s.Check(string(typo))
		if refused(t, err, string(typo)); !strings.Contains(err.Error(), "mistyped") {
			t.Errorf("a typo at %d: %v", i, err)
		}
	}
}

func TestTokensThatCannotBe(t *testing.T) {
	s := opened(t, t.TempDir())
	read, admin := []api.Scope{api.ScopeRead}, []api.Scope{api.ScopeAdmin}
	for want, r := range map[string]api.TokenRequest{
		"name":      {Scopes: read},
		"name \"..": {Name: "..", Scopes: read},
		"a\\n":      {Name: "a\nb", Scopes: read},
		"\"a/b\"":   {Name: "a/b", Scopes: read},
		"at most":   {Name: "a", Scopes: read, Kinds: slices.Repeat([]string{"k"}, 33)},
		"1 to 64":   {Name: strings.Repeat("a", 65), Scopes: read},
		"no scope":  {Name: "a"},
		"write":     {Name: "a", Scopes: []api.Scope{"write"}},
		"twice":     {Name: "a", Scopes: []api.Scope{api.ScopeRead, api.ScopeRead}},
		"admin":     {Name: "a", Scopes: admin, Kinds: []string{"k"}},
		"metrics":   {Name: "a", Scopes: []api.Scope{api.ScopeMetrics}, Subjects: []string{"k"}},
		"kind \"\"": {Name: "a", Scopes: read, Kinds: []string{""}},
		"\".*\"":    {Name: "a", Scopes: read, Kinds: []string{".*"}},
		"\"mail*\"": {Name: "a", Scopes: read, Kinds: []string{"mail*"}},
		"subject":   {Name: "a", Scopes: read, Subjects: []string{""}},
	} {
		if _, _, err := s.Create(r); !errors.Is(err, access.ErrToken) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s in it", r, err, want)
		}
	}
}

func TestWhatAGrantIsFor(t *testing.T) {
	all := []api.Scope{api.ScopeRead, api.ScopeAppend, api.ScopeMetrics, api.ScopeAdmin}
	for has, want := range map[api.Scope][]api.Scope{
		api.ScopeRead:    {api.ScopeRead, api.ScopeMetrics},
		api.ScopeAppend:  {api.ScopeAppend},
		api.ScopeMetrics: {api.ScopeMetrics},
		api.ScopeAdmin:   all,
	} {
		g := access.Grant{Scopes: []api.Scope{has}}
		for _, scope := range all {
			if g.Allows(scope) != slices.Contains(want, scope) {
				t.Errorf("%s: allows %s: %t", has, scope, g.Allows(scope))
			}
		}
	}
	g := access.Grant{Kinds: []string{"note", "mail.*"}, Subjects: []string{"user/", "x"}}
	for _, c := range []struct {
		kind, subject string
		takes         bool
	}{
		{"note", "user/1", true}, {"mail.sent", "x", true}, {"mail.", "xy", true},
		{"notes", "user/1", false}, {"mail", "x", false}, {"note", "user", false}, {"note", "", false}, {"", "x", false},
	} {
		if g.Takes(c.kind, c.subject) != c.takes {
			t.Errorf("takes %q, %q: %t", c.kind, c.subject, !c.takes)
		}
	}
	if all := (&access.Grant{}); all.Narrow() || !all.Takes("k", "") {
		t.Error("a grant for everything does not take everything")
	}
}

// TestTheEndOfAToken: whatever ends a token ends its grants within 5 s, and no other's.
func TestTheEndOfAToken(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *access.Store, dir string) error{
		"revoked":                    func(t *testing.T, s *access.Store, dir string) error { return s.Revoke("short") },
		"revoked by another process": func(t *testing.T, s *access.Store, dir string) error { return opened(t, dir).Revoke("short") },
		"expired": func(t *testing.T, s *access.Store, dir string) error {
			time.Sleep(time.Hour - 4*time.Second)
			return nil
		},
		"made anew by another process": func(t *testing.T, s *access.Store, dir string) error {
			other := opened(t, dir)
			err := other.Revoke("short")
			create(t, other, reader("short"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := opened(t, dir)
				go s.Run(t.Context(), slog.New(slog.DiscardHandler))
				secret := create(t, s, api.TokenRequest{Name: "short", Scopes: []api.Scope{api.ScopeRead}, TTL: age.Age(time.Hour)})
				lasting := create(t, s, reader("long"))
				g, err := s.Check(secret)
				if err != nil {
					t.Fatal(err)
				}
				other, err := s.Check(lasting)
				if err != nil || ended(g) {
					t.Fatal(err, ended(g))
				}
				over := make(chan struct{})
				defer g.OnEnd(func() { close(over) })()
				if err := end(t, s, dir); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if _, err := s.Check(secret); !ended(g) || ended(other) {
					t.Errorf("ended: %t, the other: %t", ended(g), ended(other))
				} else {
					refused(t, err, secret)
				}
				<-over
			})
		})
	}
}

// TestAFileThatIsNotWhatWasWritten: it is told, changes nothing of what counts, and is not written over.
func TestAFileThatIsNotWhatWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string, b []byte) error
		says  string
	}{
		"a hash is another":  {func(path string, b []byte) error { return os.WriteFile(path, flip(b, `"hash": "`), 0o600) }, "changed by hand or is damaged"},
		"a scope is another": {func(path string, b []byte) error { return os.WriteFile(path, swap(b, `"read"`, `"admin"`), 0o600) }, "changed by hand or is damaged"},
		"one is taken out": {func(path string, b []byte) error {
			return os.WriteFile(path, swap(b, `"name": "b"`, `"name": "c"`), 0o600)
		}, "changed by hand or is damaged"},
		"a field is new": {func(path string, b []byte) error {
			return os.WriteFile(path, swap(b, `"name"`, `"more": 1, "name"`), 0o600)
		}, "cannot be read"},
		"of a later version": {func(path string, b []byte) error {
			return os.WriteFile(path, swap(b, `"version": 1`, `"version": 2`), 0o600)
		}, "version 2"},
		"cut":   {func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o600) }, "cannot be read"},
		"empty": {func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }, "is empty"},
		"an empty list": {func(path string, _ []byte) error {
			return os.WriteFile(path, []byte(`{"version":1,"tokens":[]}`), 0o600)
		}, "changed by hand or is damaged"},
		"gone":                {func(path string, _ []byte) error { return os.Remove(path) }, "is missing"},
		"open to others":      {func(path string, _ []byte) error { return os.Chmod(path, 0o644) }, "chmod 600"},
		"a folder in its way": {func(path string, _ []byte) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "is a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "tokens.json")
			s := opened(t, dir)
			secret := create(t, s, reader("a"))
			create(t, s, reader("b"))
			g, err := s.Check(secret)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err == nil {
				err = c.spoil(path, b)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, _, failed := s.Create(reader("new"))
			for what, err := range map[string]error{"read": s.Read(), "create": failed, "revoke": s.Revoke("b")} {
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v, want the file and that it %s", what, err, c.says)
				}
			}
			if _, err := s.Check(secret); err != nil || ended(g) {
				t.Errorf("what was known does not go on: %v, ended %t", err, ended(g))
			}
			if name == "gone" {
				return // a process that begins with none has had none
			}
			later := access.New(dir)
			if err := later.Read(); err == nil {
				t.Error("a process that begins with it is told nothing")
			}
			if _, err := later.Check(secret); err == nil || errors.Is(err, access.ErrRefused) {
				t.Errorf("who has a token is told that it is not known: %v", err)
			}
		})
	}
}

// flip changes the byte behind the first what.
func flip(b []byte, what string) []byte {
	b = bytes.Clone(b)
	i := bytes.Index(b, []byte(what)) + len(what)
	b[i] = "01"[(b[i]+1)%2]
	return b
}

func swap(b []byte, old, by string) []byte { return bytes.Replace(b, []byte(old), []byte(by), 1) }

// TestASpoiltFileIsToldOnce: the node's log is told when the file cannot be read, not at each look, and when it can again.
func TestASpoiltFileIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, dir)
		create(t, s, reader("a"))
		path := folder.Folder(dir).Tokens()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var told bytes.Buffer
		go s.Run(t.Context(), slog.New(slog.NewTextHandler(&told, nil)))
		time.Sleep(time.Minute)
		for _, content := range [][]byte{[]byte("{"), b} {
			if err := whole.Write(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if lines := strings.Count(told.String(), "\n"); lines != 2 || strings.Count(told.String(), "ERROR") != 1 {
			t.Errorf("told:\n%s\nwant one error, and that it is over", told.String())
		}
	})
}
