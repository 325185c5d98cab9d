package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/size"
)

// written are the fields whose values are in the form of YAML already.
var written = []string{
	"join", "mdns", "open", "max-branches", "max-authors", "max-new-authors", "disk-quota", "author-share", "no-transients", "no-index", "trim-age", "trim-count", "trim-every", "trim-max-hold", "keep-bodies", "keep-pruned",
}

// WriteConfig writes quipu.yaml for a new node, mode 0600, with every field explained and those that have
// their default commented out; the field log, which must be there, is the last.
func (f Folder) WriteConfig(c Config) error {
	var b bytes.Buffer
	b.WriteString("# The configuration of one quipu node. Flags of \"quipu start\" override it; a field that is\n" +
		"# left out has its default. Restart the daemon after a change.\n")
	for _, part := range []struct{ about, field, value, example string }{
		{"How this node is shown to people.", "name", c.Name, "alpha"},
		{"HOST:PORT that peers connect to, TCP and UDP.", "listen", c.Listen, "127.0.0.1:7946"},
		{"HOST:PORT that peers are told to connect to, where it differs from listen. A name is looked up at the\n# start.", "advertise", c.Advertise, "203.0.113.7:7946"},
		{"Where members are: HOST:PORT, dns+NAME:PORT (each address of the name) or\n# dnssrv+_SERVICE._tcp.NAME (SRV records). Names are looked up again and again.", "join", flow(c.Join), "[192.0.2.1:7946, dns+quipu.example:7946]"},
		{"Announce this node on the local networks by multicast DNS, and join members heard there.", "mdns", truth(c.MDNS), "true"},
		{"A file with the cluster secret, 64 hex digits, the same on every member and readable by no one\n# else. A relative path begins at this folder. Without it the file \"secret\" in this folder is used,\n# which start makes unless it is there.", "secret-file", c.SecretFile, "cluster.secret"},
		{"Do without a secret: everybody on this machine can read and write the log. Loopback only.", "open", truth(c.Open), "true"},
		{"How far apart the members are, which sets how soon one is given up: local, lan or wan.", "profile", c.Profile, "lan"},
		{"How many branches of one author's feed are kept. No more is taken of an author who forks more\n# often, until this is raised.", "max-branches", number(c.MaxBranches), "64"},
		{"How many authors' feeds are kept, and how many of them one peer may bring in a minute. What is past it\n# is shut or waits, and nobody else is.", "max-authors", number(c.MaxAuthors), "100000"},
		{"", "max-new-authors", number(c.MaxNewAuthors), "6000"},
		{"How much of the log's file the feeds of others may take together (KiB, MiB, GiB, TiB), and how many\n# percent of that one author may have. An author past it is shut until there is room or this is raised.\n# Left out, the quota is nine tenths of what the file has and the disk has free at the start, 1 GiB at least.", "disk-quota", number(c.DiskQuota), "20GiB"},
		{"", "author-share", number(c.AuthorShare), "50"},
		{"Keep transient events from going to peers and coming from them.", "no-transients", truth(c.NoTransients), "true"},
		{"Keep no index of subjects and kinds. Queries that name some then read the whole log.", "no-index", truth(c.NoIndex), "true"},
		{"How old a trimmable entry is at least when its body goes, and how many entries of its author stand\n# above it; 0 is none. The members of one log had better agree on both.", "trim-age", text(c.TrimAge), "14d"},
		{"", "trim-count", text(c.TrimCount), "10000"},
		{"How often the daemon trims, the first time at its start; 0 only when it is asked to.", "trim-every", text(c.TrimEvery), "1h"},
		{"Who keeps back a trim of what they have not got yet: followers, or members, which is followers and\n# the members of the last 30 days. Who is further behind than that many entries keeps back nothing.", "trim-waits", c.TrimWaits, "followers"},
		{"", "trim-max-hold", text(c.TrimMaxHold), "1000000"},
		{"Keep the bodies of trimmable entries for ever, and what authors have given leave to forget.", "keep-bodies", truth(c.KeepBodies), "true"},
		{"", "keep-pruned", truth(c.KeepPruned), "true"},
		{"The least that is logged to stderr: debug, info, warn or error.", "log-level", c.LogLevel, "info"},
		{"The form of what is logged: text or json.", "log-format", c.LogFormat, "text"},
		{"The log that this node is a member of, checked against the log's file at every start. This line stands at\n# the end so that a file that was cut off is known by its absence: nothing starts without it.", "log", c.Log, ""},
	} {
		if part.about != "" {
			fmt.Fprintf(&b, "\n# %s\n", part.about)
		}
		switch {
		case part.value != "" && slices.Contains(written, part.field):
			fmt.Fprintf(&b, "%s: %s\n", part.field, part.value)
		case part.value != "":
			fmt.Fprintf(&b, "%s: %s\n", part.field, quote(part.value))
		default:
			fmt.Fprintf(&b, "# %s: %s\n", part.field, part.example)
		}
	}
	if back, err := parseConfig(b.Bytes()); err != nil || !reflect.DeepEqual(back, c) {
		return fmt.Errorf("write configuration: a value cannot be written as YAML: %w", errors.Join(err, errors.New("it reads back as another")))
	}
	if err := whole.Write(f.Config(), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// quote returns text as a YAML scalar: as it is where nothing in it means something to YAML, else as a
// JSON string, which YAML reads as well.
func quote(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:", r)
	}
	odd := strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) >= 0
	var back any
	if !odd && yaml.Load([]byte(text), &back) == nil && back == any(text) {
		return text
	}
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(b)
}

// truth returns a YAML boolean, "" for the default.
func truth(yes bool) string {
	if yes {
		return "true"
	}
	return ""
}

// number returns a number as text, "" for 0.
func number[T int | size.Size](n T) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// text returns what v points to as text, "" for nil.
func text[T age.Age | uint64](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

// flow returns texts as a YAML list on one line, "" for none.
func flow(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
