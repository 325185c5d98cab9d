package doctor

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// Archive writes what was seen to w, as a tar file that gzip has packed: what was found, what the node says of itself, of
// others and of followers, its settings, its metrics and what its goroutines do, each as far as it is to be had, and a list
// of what is not.
func (c *Chart) Archive(ctx context.Context, w io.Writer) error {
	packed := gzip.NewWriter(w)
	a := archive{out: tar.NewWriter(packed), at: c.now}
	a.put("version.txt", fmt.Appendf(nil, "quipu %s %s %s/%s\n", c.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
	a.putJSON("findings.json", c.discreet())
	if c.asked() {
		a.putJSON("status.json", c.status)
		a.putJSON("trims.json", c.trims)
		a.putJSON("followers.json", withoutWords(c.followers))
	} else {
		a.without("status.json", errors.New("the node could not be asked"))
	}
	if c.status.Running {
		a.putJSON("members.json", c.members)
	}
	if c.unread == nil {
		a.putJSON("config.json", settingsOf(&c.config))
	} else {
		a.without("config.json", errors.New("quipu.yaml cannot be read"))
	}
	for name, path := range map[string]string{"metrics.txt": "/metrics", "goroutines.txt": "/debug/pprof/goroutine?debug=2"} {
		if !c.status.Running {
			continue
		}
		if text, err := c.Client.Text(ctx, path); err == nil {
			a.put(name, text)
		} else {
			a.without(name, err)
		}
	}
	a.put("missing.txt", a.missing.Bytes())
	return cmp.Or(errors.Join(a.err, a.out.Close()), packed.Close())
}

// discreet returns the findings without what may be a secret in the words of quipu.yaml: an error shows what stands there,
// and a secret may stand where the name of its file belongs.
func (c *Chart) discreet() []Finding {
	told := slices.Clone(c.Findings)
	for i, f := range told {
		switch {
		case f.Check == "config" && c.unread != nil:
			told[i].What = "left out: it may have words of quipu.yaml, which cannot be read"
		case f.Check == "config" || f.Check == "secret" || f.Check == "modes":
			told[i].What = folder.LikeSecret.ReplaceAllString(f.What, "…")
		}
	}
	return told
}

// archive is one that is being written.
type archive struct {
	out     *tar.Writer
	at      time.Time
	missing bytes.Buffer // what is not in it, and why
	err     error        // the first that was met
}

// put adds a file. Tokens that somebody has written where none belongs are struck from it.
func (a *archive) put(name string, text []byte) {
	if a.err != nil {
		return
	}
	text = []byte(api.Redacted(text).String())
	head := tar.Header{Name: "quipu-doctor/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: a.at}
	if a.err = a.out.WriteHeader(&head); a.err == nil {
		_, a.err = a.out.Write(text)
	}
}

func (a *archive) putJSON(name string, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		a.err = cmp.Or(a.err, err)
		return
	}
	a.put(name, append(text, '\n'))
}

// without says why a file is not there.
func (a *archive) without(name string, why error) { fmt.Fprintf(&a.missing, "%s: %v\n", name, why) }

// withoutWords returns followers without what their handlers have said: that may be of what entries hold.
func withoutWords(all []api.Follower) []api.Follower {
	told := make([]api.Follower, len(all))
	for i, f := range all {
		if f.Failure != nil {
			failure := *f.Failure
			failure.Error = fmt.Sprintf("left out: %d bytes of a handler's own words", len(failure.Error))
			f.Failure = &failure
		}
		told[i] = f
	}
	return told
}

// settingsOf returns what quipu.yaml says, by its fields.
func settingsOf(c *folder.Config) map[string]string {
	said := map[string]string{}
	for _, s := range folder.Settings {
		if text := s.Told(c); text != "" {
			said[s.Name] = text
		}
	}
	return said
}
