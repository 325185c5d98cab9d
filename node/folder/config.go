package folder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/size"
)

// maxConfig is how many bytes quipu.yaml may have.
const maxConfig = 1 << 20

// Config is what quipu.yaml says. The zero value of a field means its default; flags of start override
// it.
type Config struct {
	// Name is how the node is shown to people. Default: the first 8 digits of its author.
	Name string `yaml:"name"`
	// Log is the id of the log, which the log's file must agree with. Required.
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
	// SecretFile holds the cluster secret; a relative path begins at the folder. Default: the folder's file
	// "secret", which is made unless it is there.
	SecretFile string `yaml:"secret-file"`
	// Open does without a secret, and then only loopback addresses are listened on. Default: false.
	Open bool `yaml:"open"`
	// Profile says how far apart the members are: local, lan or wan. Default: lan.
	Profile string `yaml:"profile"`
	// MaxBranches is how many branches of one feed are kept; an author who forks more often is shut.
	// Default: 64.
	MaxBranches int `yaml:"max-branches"`
	// MaxAuthors is how many authors' feeds are kept; one more is shut. Default: 100,000.
	MaxAuthors int `yaml:"max-authors"`
	// MaxNewAuthors is how many authors one peer may bring in a minute. Default: 6,000.
	MaxNewAuthors int `yaml:"max-new-authors"`
	// DiskQuota is how much of the log's file the feeds of others may take, such as 20GiB; an author past it
	// is shut. Default: nine tenths of what the file has and the disk has free at the start, 1 GiB at least.
	DiskQuota size.Size `yaml:"disk-quota"`
	// AuthorShare is how many percent of the quota one author may have. Default: 50.
	AuthorShare int `yaml:"author-share"`
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
	// LogFormat is the form of what is written: text or json. Default: text.
	LogFormat string `yaml:"log-format"`
}

// LostConfigError is returned by [Folder.ReadConfig] for a quipu.yaml that is gone, empty or cut off.
type LostConfigError struct {
	What error
	// Log is the id that the line "log:" of a new one needs; "" where it is not known.
	Log string
}

func (e *LostConfigError) Error() string {
	line, ways := "log: ID", `"quipu status" of another member prints the ID`
	if e.Log != "" {
		line, ways = "log: "+e.Log, "all else then has its default"
	}
	return fmt.Sprintf("read configuration: %v: what it said, such as keep-bodies or trim-age, is not known, and no default is taken for it. "+
		"Bring it back from a copy, or write it anew, mode 0600, with at least the line %q; %s", e.What, line, ways)
}

func (e *LostConfigError) Unwrap() error { return e.What }

// ReadConfig reads quipu.yaml. Without one, or where it is not whole, it returns a [*LostConfigError]: init
// writes the field log last, so that a file that was cut off has lost it. A field that does not exist is
// an error that names the nearest one that does.
func (f Folder) ReadConfig() (Config, error) {
	file := part{path: f.Config(), noun: "configuration file", expect: "the configuration of this node", most: maxConfig, private: true}
	b, err := file.read()
	if lost, ok := errors.AsType[*partError](err); ok && (lost.err == nil || errors.Is(err, fs.ErrNotExist)) {
		return Config{}, &LostConfigError{What: err}
	}
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(b)
	switch {
	case errors.Is(err, errCut):
		return Config{}, &LostConfigError{What: file.wrong(err.Error())}
	case err != nil:
		return Config{}, fmt.Errorf("read configuration: %s: %w", f.Config(), err)
	}
	if c.SecretFile != "" && !filepath.IsAbs(c.SecretFile) {
		c.SecretFile = f.path(c.SecretFile)
	}
	return c, nil
}

// errCut is returned for a configuration whose end is missing.
var errCut = errors.New("was cut off")

func parseConfig(b []byte) (Config, error) {
	b, err := bom.Strip(b)
	if err != nil {
		return Config{}, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(b))
	if err != nil {
		return Config{}, err
	}
	var c Config
	var root yaml.Node
	if err := loader.Load(&root); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, err
	}
	if len(root.Content) > 0 && root.Content[0].Tag != "!!null" {
		if err := checkFields(root.Content[0]); err != nil {
			return Config{}, err
		}
		if err := root.Load(&c, yaml.WithKnownFields()); err != nil {
			return Config{}, err
		}
	}
	switch {
	case c.Log == "":
		return Config{}, fmt.Errorf("%w, or its line \"log:\" is missing", errCut)
	case b[len(b)-1] != '\n':
		return Config{}, fmt.Errorf("%w, or its last line lacks its end", errCut)
	}
	return c, c.check()
}

// check names the first field whose value cannot be used.
func (c *Config) check() error {
	if err := c.CheckLimits(); err != nil {
		return err
	}
	if c.Open && c.SecretFile != "" {
		return errors.New("field open: true beside a secret-file: expected one of the two")
	}
	if _, err := crdt.ParseLogID(c.Log); err != nil {
		return fmt.Errorf("field log: %w", err)
	}
	return c.CheckTrim()
}

// CheckLimits names the first of the limits that cannot be used.
func (c *Config) CheckLimits() error {
	for _, limit := range []struct {
		field string
		value int
	}{{"max-branches", c.MaxBranches}, {"max-authors", c.MaxAuthors}, {"max-new-authors", c.MaxNewAuthors}} {
		if limit.value < 0 {
			return fmt.Errorf("field %s: %d: expected 1 or more", limit.field, limit.value)
		}
	}
	if c.AuthorShare < 0 || c.AuthorShare > 100 {
		return fmt.Errorf("field author-share: %d: expected 1 to 100, percent of disk-quota", c.AuthorShare)
	}
	return nil
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
		return fmt.Errorf("line %d: %w", key.Line, nearest.Unknown("field", key.Value, known))
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
		if t == reflect.TypeFor[size.Size]() {
			want = "a size, such as 20GiB"
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
