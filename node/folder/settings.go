package folder

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Setting is a field of quipu.yaml and, where it has a Usage, the flag of quipu start of the same name, which
// takes its place.
type Setting struct {
	Name string
	// Default is what holds where the field is left out; empty where that is nothing, or no constant. Example is
	// then what it might say.
	Default, Example string
	// Words are all that it may say, where those are a few.
	Words []string
	// About is what quipu.yaml says of the field, and of those after it about which it says nothing. Usage is what
	// the help of quipu start says of the flag.
	About, Usage string
	// Env is the variable of the environment that takes the place of the field, and the flag that of it; "" for none.
	Env string
}

// In returns a pointer to the field of c.
func (s Setting) In(c *Config) any {
	return reflect.ValueOf(c).Elem().Field(slices.Index(fieldNames(), s.Name)).Addr().Interface()
}

// Text returns what the field of c says, as YAML; "" where it says nothing.
func (s Setting) Text(c *Config) string {
	field := reflect.ValueOf(s.In(c)).Elem()
	if field.IsZero() {
		return ""
	}
	switch v := reflect.Indirect(field).Interface().(type) {
	case string:
		return quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, text := range v {
			quoted[i] = quote(text)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// LikeSecret is what a cluster secret looks like: somebody may have written it where its file belongs.
var LikeSecret = regexp.MustCompile(`[0-9a-fA-F]{64}`)

// Told returns the same for others to read: no more of what looks like a secret than that.
func (s Setting) Told(c *Config) string {
	text := s.Text(c)
	if LikeSecret.MatchString(text) {
		return "left out: it looks like a secret"
	}
	return text
}

// Settings are all fields of quipu.yaml, in the order in which [Folder.WriteConfig] writes them.
var Settings = []Setting{
	{
		Name: "name", Example: "alpha",
		About: "How this node is shown to people.",
	},
	{
		Name: "listen", Default: "127.0.0.1:7946",
		About: "HOST:PORT that peers connect to, TCP and UDP.",
		Usage: "the `HOST:PORT` that peers connect to, TCP and UDP",
	},
	{
		Name: "advertise", Example: "203.0.113.7:7946",
		About: "HOST:PORT that peers are told to connect to, where it differs from listen. A name is looked up at the\nstart.",
		Usage: "the `HOST:PORT` that peers are told, where it differs from --listen",
	},
	{
		Name: "join", Example: "[192.0.2.1:7946, dns+quipu.example:7946]",
		About: "Where members are: HOST:PORT, dns+NAME:PORT (each address of the name) or\ndnssrv+_SERVICE._tcp.NAME (SRV records). Names are looked up again and again.",
		Usage: "a `place` where members are: HOST:PORT or a name (repeat it for several)",
	},
	{
		Name: "http", Example: "127.0.0.1:8080", Env: "QUIPU_HTTP",
		About: "HOST:PORT on which this node is asked over HTTP, by whom it has given a token; none without it.\n$QUIPU_HTTP takes its place.",
		Usage: "the `HOST:PORT` on which the node is asked over HTTP by whom it has given a token; also $QUIPU_HTTP",
	},
	{
		Name: "http-cert", Example: "http.crt",
		About: "Files in PEM with the certificate that is shown there, and with its key. They are read again when they\nchange. A relative path begins at this folder.",
		Usage: "a `file` in PEM with the certificate that is shown there, read again when it changes",
	},
	{
		Name: "http-key", Example: "http.key",
		Usage: "a `file` in PEM with its key",
	},
	{
		Name: "http-plain", Example: "true",
		About: "Do without a certificate on a host that is not loopback: tokens cross the network in the clear.",
		Usage: "do without a certificate on a host that is not loopback: tokens cross the network in the clear",
	},
	{
		Name: "http-host", Example: "[quipu.example]",
		About: "Other names by which clients reach it there. A request for another one is refused.",
		Usage: "another `name` by which clients reach it there (repeat it for several)",
	},
	{
		Name: "http-origin", Example: "[\"https://app.example\"]",
		About: "The origins whose web pages may ask it.",
		Usage: "an `origin` whose web pages may ask it, such as https://app.example (repeat it for several)",
	},
	{
		Name: "http-rate", Default: "20000",
		About: "How many calls a second one token may make.",
		Usage: "the `number` of calls a second that one token may make",
	},
	{
		Name: "mdns", Example: "true",
		About: "Announce this node on the local networks by multicast DNS, and join members heard there.",
		Usage: "announce the node on the local networks, and join members heard there",
	},
	{
		Name: "secret-file", Example: "cluster.secret",
		About: "A file with the cluster secret, 64 hex digits, the same on every member and readable by no one\nelse. A relative path begins at this folder. Without it the file \"secret\" in this folder is used,\nwhich start makes unless it is there.",
	},
	{
		Name: "open", Example: "true",
		About: "Do without a secret: everybody on this machine can read and write the log. Loopback only.",
	},
	{
		Name: "key-passphrase-file", Example: "key.passphrase",
		About: "A file with the passphrase of this node's key, where that is sealed by one: one line, readable by no one\nelse. A relative path begins at this folder. Without it $QUIPU_KEY_PASSPHRASE says it, or who is at the\nterminal is asked.",
		Usage: "a `file` with the passphrase of the node's key, where that is sealed by one",
	},
	{
		Name: "profile", Default: "lan",
		About: "How far apart the members are, which sets how soon one is given up: local, lan or wan.",
	},
	{
		Name: "max-branches", Default: "64",
		About: "How many branches of one author's feed are kept. No more is taken of an author who forks more\noften, until this is raised.",
		Usage: "the `number` of branches of one feed that are kept; an author who forks more often is shut",
	},
	{
		Name: "max-authors", Default: "100000",
		About: "How many authors' feeds are kept, and how many of them one peer may bring in a minute. What is past it\nis shut or waits, and nobody else is.",
		Usage: "the `number` of authors whose feeds are kept; one more is shut",
	},
	{
		Name: "max-new-authors", Default: "6000",
		Usage: "the `number` of authors that one peer may bring in a minute",
	},
	{
		Name: "disk-quota", Example: "20GiB",
		About: "How much of the log's file the feeds of others may take together (KiB, MiB, GiB, TiB), and how many\npercent of that one author may have. An author past it is shut until there is room or this is raised.\nLeft out, the quota is nine tenths of what the file has and the disk has free at the start, 1 GiB at least.",
		Usage: "how much of the log's file the feeds of others may take, such as 20GiB; an author past it is shut (default: nine tenths of the room)",
	},
	{
		Name: "author-share", Default: "50",
		Usage: "how many `percent` of the quota one author may have",
	},
	{
		Name: "no-transients", Example: "true",
		About: "Keep transient events from going to peers and coming from them.",
		Usage: "keep transient events from going to peers and coming from them",
	},
	{
		Name: "no-index", Example: "true",
		About: "Keep no index of subjects and kinds. Queries that name some then read the whole log.",
		Usage: "keep no index of subjects and kinds: queries that name some read the whole log",
	},
	{
		Name: "trim-age", Default: "14d",
		About: "How old a trimmable entry is at least when its body goes, and how many entries of its author stand\nabove it; 0 is none. The members of one log had better agree on both.",
		Usage: "how old a trimmable entry is at least when its body goes; 0 for no age",
	},
	{
		Name: "trim-count", Default: "10000",
		Usage: "how many entries of its author stand above it at least; 0 for none",
	},
	{
		Name: "trim-every", Default: "1h",
		About: "How often the daemon trims, the first time at its start; 0 only when it is asked to.",
		Usage: "how often the log is trimmed; 0 only when asked to",
	},
	{
		Name: "trim-waits", Default: "followers", Words: []string{WaitsForFollowers, WaitsForMembers},
		About: "Who keeps back a trim of what they have not got yet: followers, or members, which is followers and\nthe members of the last 30 days. Who is further behind than that many entries keeps back nothing.",
		Usage: "who keeps back a trim: followers, or members as well",
	},
	{
		Name: "trim-max-hold", Default: "1000000",
		Usage: "how many entries behind somebody may be who keeps back a trim",
	},
	{
		Name: "keep-bodies", Example: "true",
		About: "Keep the bodies of trimmable entries for ever, and what authors have given leave to forget.",
		Usage: "keep the bodies of trimmable entries for ever",
	},
	{
		Name: "keep-pruned", Example: "true",
		Usage: "keep what authors have given leave to forget",
	},
	{
		Name: "drain", Default: "0",
		About: "How long the daemon, told to stop by a signal, waits at most until other nodes hold its entries. It\nappends nothing meanwhile.",
		Usage: "how long a stop by a signal waits at most until other nodes hold the entries of this one",
	},
	{
		Name: "recover-after", Default: "0",
		About: "How long a node that may not know the end of its own feed waits for a member that it does not hear of,\nbefore it goes on without, on record; 0 until \"quipu recover\" says so.",
		Usage: "how long a node that is recovering waits for a member that it does not hear of; 0 until told",
	},
	{
		Name: "log-level", Default: "info", Words: []string{"debug", "info", "warn", "error"},
		About: "The least that is logged to stderr: debug, info, warn or error.",
		Usage: "the least that is logged: debug, info, warn or error",
	},
	{
		Name: "log-format", Default: "text", Words: []string{"text", "json"},
		About: "The form of what is logged: text or json.",
		Usage: "how it is logged: text or json",
	},
	{
		Name:  "log",
		About: "The log that this node is a member of, checked against the log's file at every start. This line stands at\nthe end so that a file that was cut off is known by its absence: nothing starts without it.",
	},
}
