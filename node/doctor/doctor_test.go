package doctor_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/doctor"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/gateway/gatewaytest"
	"github.com/quipulog/quipu/node/server"
)

func TestMain(m *testing.M) {
	eventlogtest.Memory()
	m.Run()
}

// world is a folder, and what the node there says of itself.
type world struct {
	patient   doctor.Patient
	status    api.Status
	members   []api.Member
	followers []api.Follower
	trims     api.TrimStatus
	env       map[string]string
}

// newWorld returns one in which all is well: a daemon runs, and is linked to another.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a")
	author, log, err := node.Init(node.Birth{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	f := folder.Folder(dir)
	secret := make([]byte, 32)
	for _, err := range []error{f.WriteSecret(secret), f.NoteSecret(folder.PrintOf(secret))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	off := 0.001
	w := &world{
		status: api.Status{
			Running: true, Author: author, Log: log, PID: os.Getpid(), Version: "v1", Listen: "10.0.0.1:7946", Members: 1, Linked: 1,
			Behind: &api.Behind{}, Conditions: []api.Condition{}, Unreplicated: &api.Unreplicated{},
		},
		members: []api.Member{
			{Author: author, Name: "a", State: "self", Linked: true, Addr: "10.0.0.1:7946"},
			{Author: crdt.AuthorOf(eventlogtest.Key("b")), Name: "b", State: "alive", Linked: true, Addr: "10.0.0.2:7946", ClockOff: &off},
		},
		followers: []api.Follower{{Name: "mailer"}},
		trims:     api.TrimStatus{Policy: api.TrimPolicy{MaxHold: 1000}, Holders: []api.Holder{{Name: "mailer"}}},
		env:       map[string]string{},
	}
	w.patient = doctor.Patient{Folder: f, Version: "v1", Getenv: func(name string) string { return w.env[name] }}
	return w
}

// examine looks at the world. Its node says what the world's fields do.
func (w *world) examine(t *testing.T) *doctor.Chart {
	t.Helper()
	if w.patient.Unasked == nil {
		answers := map[string]any{"/v1/status": w.status, "/v1/members": w.members, "/v1/trim": w.trims, "/v1/followers": w.followers}
		c := server.Local(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set(api.NodeHeader, "1")
			out := json.NewEncoder(rw)
			followers, stream := answers[r.URL.Path].([]api.Follower)
			if !stream {
				if err := out.Encode(answers[r.URL.Path]); err != nil {
					t.Error(err)
				}
			}
			for _, f := range followers {
				if err := out.Encode(f); err != nil {
					t.Error(err)
				}
			}
		}), func() error { return nil })
		defer c.Close()
		w.patient.Client = c
	}
	return doctor.Examine(t.Context(), w.patient)
}

// write puts a file into the folder.
func (w *world) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(string(w.patient.Folder), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// configure puts a line into quipu.yaml.
func (w *world) configure(t *testing.T, line string) {
	t.Helper()
	b, err := os.ReadFile(w.patient.Folder.Config())
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "quipu.yaml", line+"\n"+string(b), 0o600)
}

// TestAWellNodeIsFoundWell: nothing is worse than a note, which is the false alarm that matters, and each check has said
// something; the folder is as it was.
func TestAWellNodeIsFoundWell(t *testing.T) {
	w := newWorld(t)
	before := contents(t, string(w.patient.Folder))
	chart := w.examine(t)
	for _, f := range chart.Findings {
		if f.Severity > doctor.Note && f.Check != "sync" && f.Check != "file system" && f.Check != "disk" && f.Check != "limits" { // of this machine
			t.Errorf("%+v", f)
		}
		if f.Severity > doctor.OK && f.Check == "conditions" {
			t.Errorf("%+v", f)
		}
	}
	for _, check := range []string{
		"node", "conditions", "damage", "config", "secret", "modes", "disk", "sync", "file system", "limits", "ports", "members", "clock", "version", "receipts", "followers", "trims",
	} {
		if !slices.ContainsFunc(chart.Findings, func(f doctor.Finding) bool { return f.Check == check }) {
			t.Errorf("%s was not looked at", check)
		}
	}
	if after := contents(t, string(w.patient.Folder)); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

// contents returns the names, times and sizes of what is in a folder.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		about, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(about.Name() + " " + about.ModTime().String() + " " + about.Mode().String() + "\n")
	}
	return b.String()
}

// troubles are what may be wrong, what is found then, and how bad that is.
var troubles = map[string]struct {
	spoil    func(*testing.T, *world)
	check    string
	severity doctor.Severity
	what     string
}{
	"no daemon":            {func(_ *testing.T, w *world) { w.status = api.Status{Author: w.status.Author} }, "node", doctor.Note, "no daemon runs"},
	"a daemon of another":  {func(_ *testing.T, w *world) { w.status = api.Status{Author: w.status.Author, PID: 7} }, "node", doctor.Warn, "process 7 has the log open"},
	"a damaged file":       {func(_ *testing.T, w *world) { w.patient.Unasked = &eventlog.DamagedError{} }, "damage", doctor.Bad, "damaged"},
	"a full disk":          {holds("stuck"), "conditions", doctor.Bad, "stuck: because"},
	"damage":               {holds("damaged"), "damage", doctor.Bad, "because"},
	"a shut author":        {holds("shut"), "conditions", doctor.Warn, "shut: because"},
	"an unknown setting":   {func(t *testing.T, w *world) { w.configure(t, "lisen: x") }, "config", doctor.Bad, `unknown field "lisen": did you mean "listen"`},
	"a setting of a flag":  {func(t *testing.T, w *world) { w.configure(t, "listen: 0.0.0.0:99") }, "config", doctor.Note, "listen is 10.0.0.1:7946, and quipu.yaml says 0.0.0.0:99"},
	"a setting of the env": {func(_ *testing.T, w *world) { w.env["QUIPU_HTTP"] = "x" }, "config", doctor.Note, "$QUIPU_HTTP is set here"},
	"a lost configuration": {func(t *testing.T, w *world) { remove(t, w.patient.Folder.Config()) }, "config", doctor.Bad, "is missing"},
	"an open node":         {func(t *testing.T, w *world) { w.configure(t, "open: true") }, "secret", doctor.Note, "every user of this machine"},
	"a lost secret":        {func(t *testing.T, w *world) { remove(t, w.patient.Folder.Secret()) }, "secret", doctor.Warn, "there is none in"},
	"another secret":       {func(t *testing.T, w *world) { w.write(t, "secret", strings.Repeat("ab", 32), 0o600) }, "secret", doctor.Warn, "another secret"},
	"a spoilt secret":      {func(t *testing.T, w *world) { w.write(t, "secret", "hunter2", 0o600) }, "secret", doctor.Bad, "got 7 characters"},
	"a secret for others":  {func(t *testing.T, w *world) { chmod(t, w.patient.Folder.Secret(), 0o644) }, "secret", doctor.Bad, "open to others"},
	"a key for others":     {func(t *testing.T, w *world) { chmod(t, w.patient.Folder.Key(), 0o640) }, "modes", doctor.Bad, "the key file is open to others"},
	"a lost key":           {func(t *testing.T, w *world) { remove(t, w.patient.Folder.Key()) }, "modes", doctor.Warn, "quipu.key is missing"},
	"a log for others":     {func(t *testing.T, w *world) { chmod(t, w.patient.Folder.Log(), 0o666) }, "modes", doctor.Bad, "the log is open to others"},
	"tokens for others":    {func(t *testing.T, w *world) { w.write(t, "tokens.json", "{}", 0o644) }, "modes", doctor.Bad, "open to others"},
	"a TLS key for others": {func(t *testing.T, w *world) {
		w.write(t, "tls.key", "x", 0o644)
		w.configure(t, "http-key: tls.key")
	}, "modes", doctor.Bad, "tls.key has mode 0644"},
	"an ended certificate":   {certificate(-48*time.Hour, -time.Hour), "certificate", doctor.Bad, "it has ended at"},
	"one that has not begun": {certificate(time.Hour, 48*time.Hour), "certificate", doctor.Bad, "it begins at"},
	"one that ends soon":     {certificate(-80*24*time.Hour, 5*24*time.Hour+time.Hour), "certificate", doctor.Warn, "in 5d"},
	"one for a day":          {certificate(-12*time.Hour, 12*time.Hour), "certificate", doctor.OK, "is good until"},
	"one that is none":       {func(t *testing.T, w *world) { w.write(t, "tls.crt", "x", 0o644); w.configure(t, "http-cert: tls.crt") }, "certificate", doctor.Bad, "tls.crt"},
	"a lost TLS key":         {func(t *testing.T, w *world) { w.configure(t, "http-key: tls.key") }, "modes", doctor.Bad, "tls.key"},
	"a folder for others":    {func(t *testing.T, w *world) { chmod(t, string(w.patient.Folder), 0o777) }, "modes", doctor.Bad, "the folder is open to others"},
	"nobody linked":          {func(_ *testing.T, w *world) { w.status.Linked = 0 }, "members", doctor.Warn, "no member is linked"},
	"a member that is down": {func(_ *testing.T, w *world) {
		w.members = append(w.members, api.Member{Author: crdt.AuthorOf(eventlogtest.Key("c")), Name: "c", State: "dead"})
	}, "members", doctor.Warn, "not heard of: c (dead)"},
	"an ill member": {func(_ *testing.T, w *world) { w.members[1].Conditions = []string{"stuck"} }, "members", doctor.Note, "b (stuck)"},
	"a place not joined": {func(_ *testing.T, w *world) {
		w.status.Seeds = []api.Seed{{Addr: "x:1", Source: "configured", Error: "no route"}}
	}, "members", doctor.Warn, "join x:1: no route"},
	"alone":             {func(_ *testing.T, w *world) { w.status.Alone, w.status.Linked, w.members = true, 0, w.members[:1] }, "members", doctor.Note, "this node is alone"},
	"not to be reached": {func(_ *testing.T, w *world) { w.members[0].Addr = "127.0.0.1:7946" }, "ports", doctor.Warn, "the member at 10.0.0.2:7946 cannot reach it"},
	"a wrong clock":     {func(_ *testing.T, w *world) { *w.members[1].ClockOff = -90 }, "clock", doctor.Warn, "the clock of b is 1m30s behind this one"},
	"a clock a bit off": {func(_ *testing.T, w *world) { *w.members[1].ClockOff = 5 }, "clock", doctor.Note, "the clock of b is 5s ahead of this one"},
	"entries ahead":     {func(_ *testing.T, w *world) { w.status.Ahead = 2 }, "clock", doctor.Warn, "2 authors"},
	"version skew":      {func(_ *testing.T, w *world) { w.members[1].Version = "v2" }, "version", doctor.Note, "others are not: b (v2)"},
	"an old daemon":     {func(_ *testing.T, w *world) { w.status.Version = "v0" }, "version", doctor.Warn, "the daemon is quipu v0, this is v1"},
	"entries nowhere": {func(_ *testing.T, w *world) {
		w.status.Unreplicated = &api.Unreplicated{Entries: 3, Known: true, Since: time.Now().Add(-2 * time.Hour)}
	}, "receipts", doctor.Warn, "3 entries are on no other node"},
	"entries just made": {func(_ *testing.T, w *world) {
		w.status.Unreplicated = &api.Unreplicated{Entries: 3, Known: true, Since: time.Now()}
	}, "receipts", doctor.Note, "3 entries are on no other node"},
	"a failing follower": {func(_ *testing.T, w *world) {
		w.followers[0].Failure = &api.FollowerFailure{Attempts: 3, Error: "PAYLOAD"}
	}, "followers", doctor.Warn, "mailer (attempt 3"},
	"parked entries":      {func(_ *testing.T, w *world) { w.followers[0].Parked = 2 }, "followers", doctor.Note, "mailer has parked 2 entries"},
	"a follower far back": {func(_ *testing.T, w *world) { w.trims.Holders[0].Behind = 501 }, "trims", doctor.Warn, "kept back by mailer (501"},
	"one that is too far": {func(_ *testing.T, w *world) { w.trims.Holders[0].Overrun = true }, "trims", doctor.Warn, "too far behind to keep back a trim: mailer"},
	"a trim cut short":    {func(_ *testing.T, w *world) { w.trims.Last = &api.LastTrim{Error: "no room"} }, "trims", doctor.Warn, "cut short: no room"},
	"an old backup":       {backup(-30 * 24 * time.Hour), "backup", doctor.Warn, "is 30d old"},
	"a new backup":        {backup(-time.Hour), "backup", doctor.OK, "is 60m old"},
	"a lost backup":       {func(_ *testing.T, w *world) { w.patient.Backup = "nowhere" }, "backup", doctor.Bad, "nowhere"},
}

// holds has a condition hold.
func holds(word string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) {
		w.status.Conditions = []api.Condition{{Condition: word, Why: "because"}}
	}
}

// certificate has the node show one that is good from and until so long after now.
func certificate(begin, end time.Duration) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		now := time.Now()
		w.write(t, "tls.crt", string(gatewaytest.CertificateFor(t, "node", now.Add(begin), now.Add(end))[0]), 0o644)
		w.configure(t, "http-cert: tls.crt")
	}
}

// backup has the last backup be that old.
func backup(old time.Duration) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.write(t, "a.backup", "x", 0o600)
		w.patient.Backup = filepath.Join(string(w.patient.Folder), "a.backup")
		if err := os.Chtimes(w.patient.Backup, time.Time{}, time.Now().Add(old)); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestEachTroubleIsFound, as bad as it is, by the check that is for it, and not where all is well. What a handler says is
// told of none.
func TestEachTroubleIsFound(t *testing.T) {
	well := newWorld(t).examine(t)
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			trouble.spoil(t, w)
			chart := w.examine(t)
			is := func(f doctor.Finding) bool {
				return f.Check == trouble.check && f.Severity == trouble.severity && strings.Contains(f.What, trouble.what)
			}
			if !slices.ContainsFunc(chart.Findings, is) {
				t.Errorf("no %s of %s has %q: %+v", trouble.severity, trouble.check, trouble.what, chart.Findings)
			}
			if slices.ContainsFunc(well.Findings, is) {
				t.Error("it is found where all is well, too")
			}
			if chart.Worst() < trouble.severity || chart.Count(trouble.severity) == 0 {
				t.Errorf("the worst is %s", chart.Worst())
			}
			if slices.ContainsFunc(chart.Findings, func(f doctor.Finding) bool { return strings.Contains(f.What+f.Do, "PAYLOAD") }) {
				t.Error("what a handler has said is told")
			}
		})
	}
}
