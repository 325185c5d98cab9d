package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/nearest"
	"github.com/quipulog/quipu/node/age"
)

// maxConfig is how many bytes quipu.yaml may have.
const maxConfig = 1 << 20

// Config is what quipu.yaml says. The zero value of a field means its default; flags of start override
// it.
type Config struct {
	// Name is how the node is shown to people. Default: the first 8 digits of its author.
	Name string `yaml:"name"`
	// Log is the id of the log, which the log's file must agree with. Default: not checked.
	Log string `yaml:"log"`
	// Listen is the HOST:PORT that peers connect to, TCP and UDP. Default: 127.0.0.1:7946.
	Listen string `yaml:"listen"`
	// Advertise is the HOST:PORT that peers are told to connect to. Default: what is listened on.
	Advertise string `yaml:"advertise"`
	// Join says where members are: HOST:PORT, dns+NAME:PORT or dnssrv+_SERVICE._tcp.NAME. They are
	// tried for as long as the daemon runs.
	Join []string `yaml:"join"`
	// MDNS announces the daemon on the local networks and joins the members that it hears there.
	// Default: false.
	MDNS bool `yaml:"mdns"`
	// SecretFile holds the cluster secret; a relative path begins at the folder. Default: no secret,
	// and then only loopback addresses are listened on.
	SecretFile string `yaml:"secret-file"`
	// Profile says how far apart the members are: local, lan or wan. Default: lan.
	Profile string `yaml:"profile"`
	// MaxBranches is how many branches of one feed are kept; an author who forks more often is shut.
	// Default: 64.
	MaxBranches int `yaml:"max-branches"`
	// NoTransients keeps transient events from going to peers and coming from them. Default: false.
	NoTransients bool `yaml:"no-transients"`
	// NoIndex keeps and uses no index of subjects and kinds. Default: false.
	NoIndex bool `yaml:"no-index"`
	// TrimAge and TrimCount are how old a trimmable entry is at least, and how many entries of its author
	// stand above it, when its body goes. Default: 14d and 10,000; 0 is none.
	TrimAge   *age.Age `yaml:"trim-age"`
	TrimCount *uint64  `yaml:"trim-count"`
	// TrimEvery is how often the daemon trims, the first time at its start, a second or more apart. Default:
	// 1h; 0 only when it is asked to.
	TrimEvery *age.Age `yaml:"trim-every"`
	// TrimMaxHold is how many entries behind somebody may be who keeps back a trim, 1 or more. Default:
	// 1,000,000.
	TrimMaxHold *uint64 `yaml:"trim-max-hold"`
	// TrimWaits says who keeps back a trim: followers, or members, which is members as well. Default:
	// followers.
	TrimWaits string `yaml:"trim-waits"`
	// KeepBodies keeps the bodies of trimmable entries for ever, KeepPruned what authors have given leave
	// to forget. Default: false.
	KeepBodies bool `yaml:"keep-bodies"`
	KeepPruned bool `yaml:"keep-pruned"`
	// LogLevel is the least level that the daemon writes to stderr: debug, info, warn or error.
	// Default: info.
	LogLevel string `yaml:"log-level"`
}

// ReadConfig reads quipu.yaml. A folder without one has the zero Config. A field that does not exist is
// an error that names the nearest one that does.
func (f Folder) ReadConfig() (Config, error) {
	b, err := os.ReadFile(f.Config())
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %s: %w", f.Config(), err)
	}
	if c.SecretFile != "" && !filepath.IsAbs(c.SecretFile) {
		c.SecretFile = f.path(c.SecretFile)
	}
	return c, nil
}

func parseConfig(b []byte) (Config, error) {
	if len(b) > maxConfig {
		return Config{}, fmt.Errorf("%d bytes, at most %d are allowed", len(b), maxConfig)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(b))
	if err != nil {
		return Config{}, err
	}
	var c Config
	var root yaml.Node
	if err := loader.Load(&root); errors.Is(err, io.EOF) {
		return c, nil // comments alone
	} else if err != nil {
		return Config{}, err
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return c, nil
	}
	if err := checkFields(root.Content[0]); err != nil {
		return Config{}, err
	}
	if err := root.Load(&c, yaml.WithKnownFields()); err != nil {
		return Config{}, err
	}
	return c, c.check()
}

// check names the first field whose value cannot be used.
func (c *Config) check() error {
	if c.MaxBranches < 0 {
		return fmt.Errorf("field max-branches: %d: expected 1 or more", c.MaxBranches)
	}
	if c.Log != "" {
		if _, err := crdt.ParseLogID(c.Log); err != nil {
			return fmt.Errorf("field log: %w", err)
		}
	}
	return c.CheckTrim()
}

// checkFields says which field of the document does not exist, stands there twice or has a value of
// another type.
func checkFields(document *yaml.Node) error {
	if document.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected fields, such as \"name: alpha\"", document.Line)
	}
	known := fieldNames()
	seen := map[string]bool{}
	for i := 0; i+1 < len(document.Content); i += 2 {
		key := document.Content[i]
		if seen[key.Value] {
			return fmt.Errorf("line %d: field %q stands there twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if at := slices.Index(known, key.Value); at >= 0 {
			if err := checkValue(reflect.TypeFor[Config]().Field(at), document.Content[i+1]); err != nil {
				return err
			}
			continue
		}
		if near := nearest.Name(key.Value, known); near != "" {
			return fmt.Errorf("line %d: unknown field %q: did you mean %q?", key.Line, key.Value, near)
		}
		return fmt.Errorf("line %d: unknown field %q: the fields are %s", key.Line, key.Value, strings.Join(known, ", "))
	}
	return nil
}

// checkValue says what is expected of a field whose value is something else.
func checkValue(field reflect.StructField, value *yaml.Node) error {
	into := reflect.New(field.Type)
	if value.Kind == yaml.AliasNode || value.Load(into.Interface()) == nil {
		return nil
	}
	want := "a text"
	for t := field.Type; ; t = t.Elem() {
		switch t.Kind() {
		case reflect.Pointer:
			continue
		case reflect.Bool:
			want = "true or false"
		case reflect.Slice:
			want = "a list, such as [a, b]"
		case reflect.Int, reflect.Uint64:
			want = "a number, 0 or more"
		case reflect.Int64:
			want = "an age, such as 14d, 36h or 0"
		}
		got := ""
		if value.Kind == yaml.ScalarNode {
			got = strconv.Quote(value.Value) + ": "
		}
		return fmt.Errorf("line %d: field %s: %sexpected %s", value.Line, field.Tag.Get("yaml"), got, want)
	}
}

// fieldNames returns the fields of [Config] as quipu.yaml spells them.
func fieldNames() []string {
	var names []string
	for field := range reflect.TypeFor[Config]().Fields() {
		names = append(names, field.Tag.Get("yaml"))
	}
	return names
}

// written are the fields whose values are in the form of YAML already.
var written = []string{
	"join", "mdns", "max-branches", "no-transients", "no-index", "trim-age", "trim-count", "trim-every", "trim-max-hold", "keep-bodies", "keep-pruned",
}

// WriteConfig writes quipu.yaml for a new node, with every field explained and those that have their
// default commented out.
func (f Folder) WriteConfig(c Config) error {
	var b bytes.Buffer
	b.WriteString("# The configuration of one quipu node. Flags of \"quipu start\" override it; a field that is\n" +
		"# left out has its default. Restart the daemon after a change.\n")
	for _, part := range []struct{ about, field, value, example string }{
		{"How this node is shown to people.", "name", c.Name, "alpha"},
		{"The log that this node is a member of. It is checked against the log's file at every start.", "log", c.Log, ""},
		{"HOST:PORT that peers connect to, TCP and UDP. Beyond loopback it needs a secret-file.", "listen", c.Listen, "127.0.0.1:7946"},
		{"HOST:PORT that peers are told to connect to, where it differs from listen.", "advertise", c.Advertise, "203.0.113.7:7946"},
		{"Where members are: HOST:PORT, dns+NAME:PORT (each address of the name) or\n# dnssrv+_SERVICE._tcp.NAME (SRV records). Names are looked up again and again.", "join", flow(c.Join), "[192.0.2.1:7946, dns+quipu.example:7946]"},
		{"Announce this node on the local networks by multicast DNS, and join members heard there.", "mdns", truth(c.MDNS), "true"},
		{"A file with the cluster secret, 64 hex digits, the same on every member and readable by no one\n# else. A relative path begins at this folder.", "secret-file", c.SecretFile, "cluster.secret"},
		{"How far apart the members are, which sets how soon one is given up: local, lan or wan.", "profile", c.Profile, "lan"},
		{"How many branches of one author's feed are kept. No more is taken of an author who forks more\n# often, until this is raised.", "max-branches", number(c.MaxBranches), "64"},
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
	if err := writeFile(f.Config(), b.Bytes(), 0o644); err != nil {
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
func number(n int) string {
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
