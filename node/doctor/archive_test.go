package doctor_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/doctor"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/gateway"
)

// planted are secrets, and what entries hold, each with where it was put.
type planted map[string]string

// file plants what a file of the folder holds, line by line.
func (p planted) file(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") {
			p[line] = filepath.Base(path)
		}
	}
}

// plant fills a folder with secrets.
func plant(t *testing.T, w *world) planted {
	t.Helper()
	p := planted{}
	dir := string(w.patient.Folder)
	remove(t, w.patient.Folder.Secret())
	w.write(t, "secret", strings.Repeat("5ec7e7", 10)+"abcd\n", 0o600)
	w.write(t, "passphrase", "correct horse battery staple\n", 0o600)
	w.write(t, "tls.key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPLANTEDPLANTED\n-----END PRIVATE KEY-----\n", 0o600)
	if _, err := w.patient.Folder.TicketKey(); err != nil {
		t.Fatal(err)
	}
	token, _, err := access.New(dir).Create(api.TokenRequest{Name: "till", Scopes: []api.Scope{api.ScopeAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	w.configure(t, "# the old secret was hunter2hunter2\nkey-passphrase-file: passphrase\nhttp-key: tls.key\nname: "+token)
	w.env["QUIPU_KEY_PASSPHRASE"] = "passphrase of the environment"
	for _, name := range []string{"secret", "passphrase", "tls.key", "tickets.key", "quipu.key"} {
		p.file(t, filepath.Join(dir, name))
	}
	p[token], p["hunter2hunter2"], p["passphrase of the environment"] = "a token", "a comment of quipu.yaml", "the environment"
	b, err := os.ReadFile(filepath.Join(dir, "tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), `"hash": "`)
	p[rest[:64]] = "the hash of a token"
	return p
}

// entries are planted in a log: each part of one that a person or a program has written, and what a handler says of it.
func (p planted) entries(t *testing.T, log *eventlog.Log) {
	t.Helper()
	event := crdt.Event{
		Kind: "planted.kind", Module: "planted module", Subject: "planted subject", ContentType: "text/planted",
		Headers: []crdt.EventHeader{{Name: "planted-header", Value: "planted value"}}, Payload: []byte("planted payload"),
	}
	if _, err := log.Append(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{event.Kind, event.Module, event.Subject, event.ContentType, "planted-header", "planted value", "planted payload"} {
		p[text] = "an entry"
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := log.Follow(ctx, "fails", eventlog.FollowConfig{}, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
		return errors.New("cannot handle " + string(batch[0].Payload))
	})
	if err == nil {
		t.Fatal("the follower does not fail")
	}
}

// unpacked returns the files of an archive.
func unpacked(t *testing.T, chart *doctor.Chart) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := chart.Archive(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for in := tar.NewReader(plain); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(head.Name, "quipu-doctor/")] = string(text)
	}
}

// absent wants none of what was planted to be in an archive, in any form.
func (p planted) absent(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		for secret, from := range p {
			if strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
				t.Errorf("%s has what was planted in %s: %q", name, from, secret)
			}
		}
	}
}

// TestTheArchiveHasNoSecretAndNoPayload: secrets are planted in each file that has any, entries in the log, and their words
// in a handler's error. A daemon runs or not; where quipu.yaml cannot be read either, it is not quoted.
func TestTheArchiveHasNoSecretAndNoPayload(t *testing.T) {
	w := newWorld(t)
	secrets := plant(t, w)
	dir := string(w.patient.Folder)
	secret, err := folder.ReadSecret(w.patient.Folder.Secret())
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(node.Config{Dir: dir, Listen: "127.0.0.1:0", Secret: secret, HTTP: gateway.Config{Addr: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	secrets.entries(t, n.Log())
	c, err := node.ConnectDaemon(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w.patient.Client = c
	files := unpacked(t, doctor.Examine(t.Context(), w.patient))
	secrets.absent(t, files)
	for name, want := range map[string]string{
		"status.json": n.Author().String(), "members.json": `"state": "self"`, "followers.json": "left out: ", "findings.json": "process ",
		"metrics.txt": "\nquipu_", "goroutines.txt": "node.(*Node).Run", "config.json": `"http-key"`, "version.txt": "quipu v1 ", "trims.json": `"policy"`,
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s has no %q: %q", name, want, files[name])
		}
	}
	stop()
	if err := errors.Join(<-ended, c.Close()); err != nil {
		t.Fatal(err)
	}

	w.configure(t, "open: mistaken-for-a-flag")
	secrets["mistaken-for-a-flag"] = "quipu.yaml"
	_, err = node.Connect(t.Context(), dir, node.Access{Reads: true})
	if err == nil {
		t.Fatal("the configuration is read")
	}
	w.patient.Client, w.patient.Unasked = nil, err
	chart := doctor.Examine(t.Context(), w.patient)
	files = unpacked(t, chart)
	secrets.absent(t, files)
	if !strings.Contains(files["missing.txt"], "config.json") || !strings.Contains(files["missing.txt"], "status.json") {
		t.Errorf("what is missing is %q", files["missing.txt"])
	}
	if !slices.ContainsFunc(chart.Findings, func(f doctor.Finding) bool { return strings.Contains(f.What, "mistaken-for-a-flag") }) {
		t.Error("who looks at it here is not told either")
	}
}

// TestASecretInThePlaceOfItsFile is not told: somebody has written it into quipu.yaml.
func TestASecretInThePlaceOfItsFile(t *testing.T) {
	w := newWorld(t)
	secret := strings.Repeat("5ec7e7", 10) + "abcd"
	w.configure(t, "secret-file: "+secret)
	planted{secret: "quipu.yaml"}.absent(t, unpacked(t, w.examine(t)))
}
