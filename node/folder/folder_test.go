package folder_test

import (
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/folder"
)

// someLog is the id of a log.
const someLog = "00112233445566778899aabbccddeeff"

// writeConfig writes a quipu.yaml that is what it should be but for the text.
func writeConfig(t *testing.T, f folder.Folder, text string) {
	t.Helper()
	if err := os.WriteFile(f.Config(), []byte(text+"\nlog: "+someLog+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyRoundTrip(t *testing.T) {
	f := folder.Folder(t.TempDir())
	made := newKey(t)
	if err := f.WriteKey(made); err != nil {
		t.Fatal(err)
	}
	read, err := f.ReadKey()
	if err != nil {
		t.Fatal(err)
	}
	if !made.Equal(read) {
		t.Error("the key that is read is not the one that was made")
	}
	stat, err := os.Stat(f.Key())
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode().Perm() != 0o600 {
		t.Errorf("key file has mode %v", stat.Mode())
	}
	if err := f.WriteKey(newKey(t)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key was written over the first: %v", err)
	}
}

func TestReadKeyRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"not PEM":     "0123456789abcdef",
		"other block": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"bad DER":     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := folder.Folder(t.TempDir())
			if err := os.WriteFile(f.Key(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := f.ReadKey(); err == nil || !strings.Contains(err.Error(), f.Key()) {
				t.Errorf("got %v, want an error that names the file", err)
			}
		})
	}
	t.Run("open to the group", func(t *testing.T) {
		f := folder.Folder(t.TempDir())
		if err := f.WriteKey(newKey(t)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f.Key(), 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadKey(); !errors.Is(err, folder.ErrMode) {
			t.Errorf("got %v, want ErrMode", err)
		}
	})
}

func TestConfigRoundTrip(t *testing.T) {
	for _, want := range []folder.Config{
		{Name: "alpha", Log: "00112233445566778899aabbccddeeff", Listen: "127.0.0.1:0"},
		{Name: `odd: "name" # ~`, Log: someLog, Join: []string{"[::1]:7946", "b:1"}, Profile: "wan", LogLevel: "debug", SecretFile: "/x/y"},
		{Name: "true", Log: someLog},
		{Name: "12", Log: someLog},
		{
			Log:     someLog,
			TrimAge: new(age.Age(36 * time.Hour)), TrimCount: new(uint64(0)), TrimEvery: new(age.Age(0)), TrimMaxHold: new(uint64(7)),
			TrimWaits: folder.WaitsForMembers, KeepBodies: true, KeepPruned: true,
		},
	} {
		f := folder.Folder(t.TempDir())
		if err := f.WriteConfig(want); err != nil {
			t.Fatal(err)
		}
		got, err := f.ReadConfig()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"lisen: 127.0.0.1:1":           `line 1: unknown field "lisen": did you mean "listen"?`,
		"name: a\nsecretfile: x":       `line 2: unknown field "secretfile": did you mean "secret-file"?`,
		"zzzzzzzz: 1":                  "the fields are name, log, listen",
		"name: a\nname: b":             `name`,
		"profile: lan\nlog: 12":        `field "log" stands there twice`,
		"join: {a: b}":                 "line 1: field join: expected a list",
		"mdns: perhaps":                `line 1: field mdns: "perhaps": expected true or false`,
		"name: [a]":                    "line 1: field name: expected a text",
		"trim-age: 14":                 `line 1: field trim-age: "14": expected an age, such as 14d, 36h or 0`,
		"\ntrim-every: -1h":            `line 2: field trim-every: "-1h": expected an age`,
		"trim-count: many":             `line 1: field trim-count: "many": expected a number, 0 or more`,
		"trim-count: -1":               `field trim-count: "-1": expected a number`,
		"trim-count: 9007199254740993": "field trim-count: 9007199254740993: expected at most 2^53",
		"trim-every: 1ms":              "field trim-every: 1ms: expected 1s or more, or 0",
		"trim-max-hold: 0":             "field trim-max-hold: 0: expected 1 or more",
		"trim-waits: all":              `field trim-waits: "all": expected followers or members`,
		"trim-max-hold: 1.5":           `field trim-max-hold: "1.5": expected a number`,
		"keep-bodies: 3":               `field keep-bodies: "3": expected true or false`,
		"name: [":                      "yaml",
	} {
		f := folder.Folder(t.TempDir())
		writeConfig(t, f, text)
		_, err := f.ReadConfig()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), f.Config()) {
			t.Errorf("%q: got %v, want an error with %q and the file's name", text, err, want)
		}
	}
}

// TestConfigIsFields is about a document that is something else.
func TestConfigIsFields(t *testing.T) {
	f := folder.Folder(t.TempDir())
	if err := os.WriteFile(f.Config(), []byte("- a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadConfig(); err == nil || !strings.Contains(err.Error(), "line 1: expected fields") {
		t.Errorf("a list: %v", err)
	}
}

// TestTrimPolicy tells a field that is left out, which has its default, from one that says none.
func TestTrimPolicy(t *testing.T) {
	for text, want := range map[string]eventlog.TrimPolicy{
		"name: a":                           {},
		"trim-age: 0\ntrim-count: 0":        {MinAge: -1, MinCount: eventlog.NoCount},
		"trim-age: 1d12h\ntrim-count: 1000": {MinAge: 36 * time.Hour, MinCount: 1000},
		"trim-max-hold: 5\nkeep-bodies: true\nkeep-pruned: true": {MaxHold: 5, KeepBodies: true, KeepPruned: true},
	} {
		f := folder.Folder(t.TempDir())
		writeConfig(t, f, text)
		c, err := f.ReadConfig()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.TrimPolicy(); got != want || c.Every() != 0 {
			t.Errorf("%q: got %+v, every %v, want %+v", text, got, c.Every(), want)
		}
	}
	for every, want := range map[age.Age]time.Duration{0: -1, age.Age(time.Minute): time.Minute} {
		if got := (&folder.Config{TrimEvery: &every}).Every(); got != want {
			t.Errorf("every %v: got %v, want %v", every, got, want)
		}
	}
}

func TestConfigPaths(t *testing.T) {
	f := folder.Folder(t.TempDir())
	writeConfig(t, f, "secret-file: s")
	c, err := f.ReadConfig()
	if want := filepath.Join(string(f), "s"); err != nil || c.SecretFile != want {
		t.Errorf("secret file %q, %v; want %q", c.SecretFile, err, want)
	}
}

// TestLostConfigIsNotTakenForDefaults is about a file that said keep-bodies and was lost on the way.
func TestLostConfigIsNotTakenForDefaults(t *testing.T) {
	whole := folder.Folder(t.TempDir())
	if err := whole.WriteConfig(folder.Config{Log: someLog, KeepBodies: true}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(whole.Config())
	if err != nil {
		t.Fatal(err)
	}
	f := folder.Folder(t.TempDir())
	if _, err := f.ReadConfig(); !isLost(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for size := 0; size < len(text); size = min(size+19, max(size+1, len(text)-3)) {
		if err := os.WriteFile(f.Config(), text[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := f.ReadConfig(); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for the whole: %+v", size, len(text), c)
		}
	}
	for name, text := range map[string]string{
		"comments": "# nothing\n", "null": "~\n", "zeros": strings.Repeat("\x00", 4096), "no log": "keep-bodies: true\n",
		"no end": "log: " + someLog + "\nkeep-bodies: true",
	} {
		if err := os.WriteFile(f.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadConfig(); !isLost(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isLost(err error) bool {
	_, lost := errors.AsType[*folder.LostConfigError](err)
	return lost
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	digits := strings.Repeat("0a", 32)
	for text, good := range map[string]bool{
		digits:                   true,
		digits + "\r\n":          true,
		digits[2:]:               false,
		digits + "00":            false,
		strings.Repeat("zz", 32): false,
		"":                       false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		secret, err := folder.ReadSecret(path)
		if good != (err == nil) || good && len(secret) != 32 {
			t.Errorf("%q: %x, %v", text, secret, err)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestCheckAndMake(t *testing.T) {
	f := folder.Folder(filepath.Join(t.TempDir(), "a", "b"))
	if err := f.Check(); !errors.Is(err, folder.ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := f.Make(); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteKey(newKey(t)); err != nil {
		t.Fatal(err)
	}
	err := f.Check()
	if err == nil || errors.Is(err, folder.ErrNone) || !strings.Contains(err.Error(), "quipu.db is missing beside its key") {
		t.Errorf("a key without its log: %v", err)
	}
	if err := f.Make(); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("a folder with a key: %v", err)
	}
}

func TestUsedBy(t *testing.T) {
	f := folder.Folder(t.TempDir())
	if pid := f.UsedBy(); pid != 0 {
		t.Errorf("nobody uses it, got %d", pid)
	}
	release, err := f.Use()
	if err != nil {
		t.Fatal(err)
	}
	if pid := f.UsedBy(); pid != os.Getpid() {
		t.Errorf("got %d, want %d", pid, os.Getpid())
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if pid := f.UsedBy(); pid != 0 {
		t.Errorf("nobody uses it any more, got %d", pid)
	}
}

// TestSettingsAreTheFields holds the table against the fields that quipu.yaml may have.
func TestSettingsAreTheFields(t *testing.T) {
	var settings, fields []string
	for _, s := range folder.Settings {
		settings = append(settings, s.Name)
		if s.Default != "" && len(s.Words) > 0 && !slices.Contains(s.Words, s.Default) {
			t.Errorf("%s: the default %q is none of %q", s.Name, s.Default, s.Words)
		}
	}
	for field := range reflect.TypeFor[folder.Config]().Fields() {
		fields = append(fields, field.Tag.Get("yaml"))
	}
	slices.Sort(settings)
	slices.Sort(fields)
	if diff := cmp.Diff(fields, settings); diff != "" {
		t.Errorf("settings (-fields +settings):\n%s", diff)
	}
}
