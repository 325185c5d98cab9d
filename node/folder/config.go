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
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/size"
)

// maxConfig is how many bytes quipu.yaml may have.
const maxConfig = 1 << 20

// Config is what quipu.yaml says; [Settings] explains its fields. The zero value of a field means its default;
// flags of start override it.
type Config struct {
	Name              string    `yaml:"name"`
	Log               string    `yaml:"log"`
	Listen            string    `yaml:"listen"`
	Advertise         string    `yaml:"advertise"`
	HTTP              string    `yaml:"http"`
	HTTPCert          string    `yaml:"http-cert"`
	HTTPKey           string    `yaml:"http-key"`
	HTTPPlain         bool      `yaml:"http-plain"`
	HTTPHosts         []string  `yaml:"http-host"`
	HTTPOrigins       []string  `yaml:"http-origin"`
	HTTPRate          int       `yaml:"http-rate"`
	Join              []string  `yaml:"join"`
	MDNS              bool      `yaml:"mdns"`
	SecretFile        string    `yaml:"secret-file"`
	Open              bool      `yaml:"open"`
	KeyPassphraseFile string    `yaml:"key-passphrase-file"`
	Profile           string    `yaml:"profile"`
	MaxBranches       int       `yaml:"max-branches"`
	MaxAuthors        int       `yaml:"max-authors"`
	MaxNewAuthors     int       `yaml:"max-new-authors"`
	DiskQuota         size.Size `yaml:"disk-quota"`
	AuthorShare       int       `yaml:"author-share"`
	NoTransients      bool      `yaml:"no-transients"`
	NoIndex           bool      `yaml:"no-index"`
	TrimAge           *age.Age  `yaml:"trim-age"`
	TrimCount         *uint64   `yaml:"trim-count"`
	TrimEvery         *age.Age  `yaml:"trim-every"`
	TrimMaxHold       *uint64   `yaml:"trim-max-hold"`
	TrimWaits         string    `yaml:"trim-waits"`
	KeepBodies        bool      `yaml:"keep-bodies"`
	KeepPruned        bool      `yaml:"keep-pruned"`
	Drain             *age.Age  `yaml:"drain"`
	RecoverAfter      *age.Age  `yaml:"recover-after"`
	LogLevel          string    `yaml:"log-level"`
	LogFormat         string    `yaml:"log-format"`
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
func (f Folder) ReadConfig() (Config, error) { return f.readConfig(true) }

// CopiedConfig is [Folder.ReadConfig] for whoever only reads the log, which may be an auditor's copy: its files may be
// open to others.
func (f Folder) CopiedConfig() (Config, error) { return f.readConfig(false) }

func (f Folder) readConfig(private bool) (Config, error) {
	file := part{path: f.Config(), noun: "configuration file", expect: "the configuration of this node", most: maxConfig, private: private}
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
	for _, path := range []*string{&c.SecretFile, &c.KeyPassphraseFile, &c.HTTPCert, &c.HTTPKey} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = f.path(*path)
		}
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
	case c.Open && c.SecretFile != "":
		return Config{}, errors.New("field open: true beside a secret-file: expected one of the two")
	}
	if _, err := crdt.ParseLogID(c.Log); err != nil {
		return Config{}, fmt.Errorf("field log: %w", err)
	}
	return c, c.Check()
}

// Check names the first limit, or field about trimming, whose value cannot be used.
func (c *Config) Check() error {
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
	return c.checkTrim()
}

// DrainFor returns how long a stop by a signal waits at most until others hold the node's entries.
func (c *Config) DrainFor() time.Duration { return span(c.Drain) }

// RecoversAfter returns how long a node that is recovering waits for a member that it does not hear of; 0 is for ever.
func (c *Config) RecoversAfter() time.Duration { return span(c.RecoverAfter) }

// span returns how long an age is, 0 where nothing is said.
func span(a *age.Age) time.Duration {
	if a == nil {
		return 0
	}
	return time.Duration(*a)
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
