package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/find"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/condition"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/gateway"
)

// startName is the name of the command that runs the daemon.
const startName = "start"

// startHelp explains quipu start.
const startHelp = `Run the daemon of the node in D until "quipu stop" or SIGTERM, SIGINT or SIGHUP,
which stop it cleanly with exit code 0. (Under nohup SIGHUP does nothing.) With
--drain a signal holds the stop, for as long as that at most, until every entry of
this node is on another: it refuses appends and goes on giving them to the others.
A second signal stops it at once.

Once it serves it prints one line to stdout, whether or not a peer answers:

  ready author=AUTHOR listen=HOST:PORT socket=PATH [http=URL]

Behind that stands recovering=WHY where it appends nothing since it may not know
the end of its own feed: "quipu help recover" says what that is. It then asks the
members, and goes on by itself, or with --recover-after without those that it does
not hear of for so long. All else it does as ever.

It goes on trying to join for as long as it runs. PLACE is one of

  HOST:PORT                   a member; with several addresses, the first that
                              answers
  dns+NAME:PORT               a member at each A and AAAA record of NAME, such as
                              that of a Kubernetes headless service
  dnssrv+_SERVICE._tcp.NAME   a member at each SRV record, which gives the port
  dnssrvnoa+...               the same, where the records' targets are names with
                              many addresses

Names are looked up again and again: new records are tried, gone ones are not
any more. With --mdns it announces itself on the local networks and joins the
members of its log that it hears there; the secret is not announced. Where
members were is remembered in D/peers.json and tried too, so that a cluster that
was down finds itself again. "quipu members" and "quipu status" show what came of
it.

It logs to stderr, and never waits for that: lines that nobody takes are dropped
once 256 KiB of them wait, and their number is logged where they are missing.

Whoever has the cluster secret can read and write the log, and nobody else. It is
64 hex digits in a file of mode 0600, the same on every member: the one that
--secret-file names, here or in quipu.yaml, else D/secret. The first start of a
log's first node makes D/secret; the others are given that, on the same machine
by --secret-file OTHER/secret. A node never changes over to another secret
without saying so. --open does without: then every user of this machine can read
and write the log, and only loopback addresses can be listened on.

A key that is sealed by a passphrase ("quipu help init") is opened once, at the
start: with the passphrase in the file that --key-passphrase-file names, else with
that in $QUIPU_KEY_PASSPHRASE, else in the file that quipu.yaml names; else who is
at the terminal is asked. Without any of them it does not start.

Port 0 takes a free port, which the ready line names. 0.0.0.0 is every IPv4
address, :: or no host every address of the machine; peers are told the one that
it has towards the rest of the world, or what --advertise says, whose HOST may be
a name: it is looked up at the start, and again at the next one.

With --http it is asked over HTTP, too, by programs in any language and from other
machines: GET /openapi.json describes the calls. Each shows a token ("quipu help
token"), on this machine as well, but for /livez, /readyz, /openapi.json and the
page, which is signed in to by "quipu page". A host that is not loopback needs
--http-cert and --http-key, or --http-plain where something in front of it speaks
TLS. A request for a host that is not the node's is refused, as one of a web page
is, unless --http-host and --http-origin name them.

It trims its log at the start and then every --trim-every, by --trim-age and
--trim-count; "quipu help trim" says what that is. The members of one log had
better agree on both. --compact gives the room back that trims have freed before
anything is served.

What others may take up here is bounded: --max-authors of feeds, --max-new-authors
that one peer brings in a minute, and --disk-quota of the file's bytes for the
feeds of others, --author-share of it for one. The quota is nine tenths of what
the file has and the disk has free at the start, and 1 GiB at least. An author
past a bound is shut here, and no other: what is held of it stays, "quipu status"
names it with the reason, and a higher bound takes up where it stopped. Our own
entries are bound by none of it.

Flags override D/quipu.yaml, which explains its fields.`

func newStart() *cobra.Command {
	var dir string
	var compact, untilEOF bool
	var secret secretFlags
	var says folder.Config
	cmd := &cobra.Command{
		Use:     startName + " --dir D [--listen HOST:PORT] [--advertise HOST:PORT] [--join PLACE]... [--mdns] [--secret-file F | --open]",
		Short:   "Run the node's daemon",
		Long:    startHelp,
		Example: "  quipu start --dir a\n  quipu start --dir b --listen 127.0.0.1:7947 --join 127.0.0.1:7946 --secret-file a/secret",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := node.ReadConfig(dir)
			if err != nil {
				return err
			}
			written := file
			if err := overrideSettings(cmd, &says, &file); err != nil {
				return err
			}
			if err := secret.override(cmd, &file); err != nil {
				return err
			}
			if err := checkPlaces(cmd, dir, &file); err != nil {
				return err
			}
			cfg, err := startConfig(cmd, dir, file)
			if err != nil {
				return err
			}
			cfg.Settings = toldSettings(cmd, &written, &file)
			if untilEOF {
				defer endWithStdin(cmd)()
			}
			return start(cmd, cfg, compact)
		},
	}
	folderFlag(cmd, &dir)
	cmd.Flags().BoolVar(&compact, "compact", false, "write the log's file anew first, without the room that trims have freed")
	cmd.Flags().BoolVar(&untilEOF, "until-eof", false, "end once stdin does: for a program whose children are to end with it, even where it is killed")
	must(cmd.Flags().MarkHidden("until-eof"))
	addSettings(cmd, &says)
	secret.add(cmd)
	return cmd
}

// endWithStdin has the context of cmd end when stdin does, as a signal would. It returns what ends it otherwise.
func endWithStdin(cmd *cobra.Command) context.CancelFunc {
	ctx, cancel := context.WithCancel(cmd.Context())
	cmd.SetContext(ctx)
	in := cmd.InOrStdin()
	go func() {
		_, _ = io.Copy(io.Discard, in) // however it ends, nobody is there any more
		cancel()
	}()
	return cancel
}

// checkPlaces says which of the fields that say where the node is and how it talks cannot be used, and whether a
// flag, the environment or the file of the folder dir says so.
func checkPlaces(cmd *cobra.Command, dir string, file *folder.Config) error {
	field, err := wrongPlace(file)
	if err == nil {
		return nil
	}
	at := slices.IndexFunc(folder.Settings, func(s folder.Setting) bool { return s.Name == field })
	switch env := folder.Settings[at].Env; {
	case cmd.Flags().Changed(field):
		return usagef("--%s: %w", field, err)
	case os.Getenv(env) != "":
		return usagef("$%s: %w", env, err)
	}
	return fmt.Errorf("%s: field %s: %w", folder.Folder(dir).Config(), field, err)
}

// wrongPlace names the first field that [checkPlaces] is about and that cannot be used.
func wrongPlace(file *folder.Config) (field string, err error) {
	if file.Listen != "" {
		if err := node.CheckListen(file.Listen); err != nil {
			return "listen", err
		}
	}
	if file.Advertise != "" {
		if err := gossip.CheckAdvertise(file.Advertise); err != nil {
			return "advertise", err
		}
	}
	if field, err := httpConfig(file).Wrong(); err != nil {
		return field, err
	}
	for _, place := range file.Join {
		if _, err := find.Parse(place); err != nil {
			return "join", err
		}
	}
	if file.Profile != "" {
		if err := gossip.Profile(file.Profile).Check(); err != nil {
			return "profile", err
		}
	}
	for _, s := range folder.Settings {
		if word, ok := s.In(file).(*string); ok && *word != "" && len(s.Words) > 0 && !slices.Contains(s.Words, *word) {
			return s.Name, fmt.Errorf("%q: expected %s", *word, enum.OneOf(s.Words))
		}
	}
	return "", nil
}

// httpConfig returns what the file and the flags say of being asked over HTTP.
func httpConfig(file *folder.Config) gateway.Config {
	return gateway.Config{Addr: file.HTTP, Cert: file.HTTPCert, Key: file.HTTPKey, Plain: file.HTTPPlain, Hosts: file.HTTPHosts, Origins: file.HTTPOrigins, Rate: file.HTTPRate}
}

// startConfig makes a node's configuration of what the file and the flags say.
func startConfig(cmd *cobra.Command, dir string, file folder.Config) (node.Config, error) {
	cfg := node.Config{
		Dir: dir, Name: file.Name, Listen: file.Listen, Advertise: file.Advertise, Join: file.Join, MDNS: file.MDNS,
		SecretFrom: file.SecretFile, Open: file.Open, Profile: gossip.Profile(file.Profile), Limits: node.LimitsOf(file), NoTransients: file.NoTransients,
		Trim: file.TrimPolicy(), TrimEvery: file.Every(), TrimWaits: file.TrimWaits == folder.WaitsForMembers,
		Drain: file.DrainFor(), RecoverAfter: file.RecoversAfter(),
		NoIndex: file.NoIndex, Version: version(), HTTP: httpConfig(&file),
	}
	if file.Log != "" {
		id, err := crdt.ParseLogID(file.Log)
		if err != nil {
			return node.Config{}, err
		}
		cfg.Log = id
	}
	named := ""
	if cmd.Flags().Changed(passphraseFlag) {
		named = file.KeyPassphraseFile
	}
	cfg.Passphrase = passphrase(cmd.Context(), named, file.KeyPassphraseFile)
	var err error
	if cfg.Secret, err = readSecret(cmd, file.SecretFile); err != nil {
		return node.Config{}, err
	}
	cfg.Logger = newLogger(cmd.ErrOrStderr(), file.LogLevel, file.LogFormat)
	return cfg, nil
}

// start runs a node until the command's context ends.
func start(cmd *cobra.Command, cfg node.Config, compact bool) error {
	n, err := node.New(cfg)
	switch {
	case errors.Is(err, transport.ErrSecretRequired):
		return fmt.Errorf("%w: start it without --open", err)
	case errors.Is(err, gossip.ErrNoAddress):
		return fmt.Errorf("%w: name one with --advertise HOST:PORT", err)
	}
	if err != nil {
		return err
	}
	if compact {
		if err := compactFirst(cmd.Context(), n, cfg.Logger); err != nil {
			return errors.Join(err, n.Close())
		}
	}
	// The log is locked, the port and the socket take connections: what comes from now on is served.
	told := make(chan struct{})
	go func() {
		defer close(told)
		sayReady(cmd.OutOrStdout(), n, cfg.Logger)
	}()
	ended := make(chan struct{})
	go stopAtSecondSignal(cmd.Context(), n, ended)
	err = n.Run(cmd.Context())
	close(ended)
	select {
	case <-told:
	case <-time.After(lastWords):
	}
	return err
}

// stopAtSecondSignal ends the drain that the first signal has begun, which has ended ctx.
func stopAtSecondSignal(ctx context.Context, n *node.Node, ended <-chan struct{}) {
	again := make(chan os.Signal, 1)
	select {
	case <-ctx.Done():
	case <-ended:
		return
	}
	signal.Notify(again, stopSignals()...)
	defer signal.Stop(again)
	select {
	case <-again:
		_, _ = n.Stop(context.WithoutCancel(ctx), 0) // nothing calls that off
	case <-ended:
	}
}

// sayReady prints the ready line. Nobody waits for it: stdout may be a pipe that is full, or a file on a
// disk that is.
func sayReady(out io.Writer, n *node.Node, logger *slog.Logger) {
	recovering := ""
	if r := n.Recovery(); r != nil && !condition.Passing(r) {
		recovering = " recovering=" + strings.ReplaceAll(r.Why, " ", "-")
	}
	http := ""
	if url := n.URL(); url != "" {
		http = " http=" + url
	}
	_, err := fmt.Fprintf(out, "ready author=%s listen=%s socket=%s%s%s\n", n.Author(), n.Addr(), n.Socket(), http, recovering)
	if err != nil && !errors.Is(err, errReaderLeft) {
		logger.Warn("cannot print the ready line", "err", err)
	}
}

// compactFirst compacts the log of a node that does not run yet. Without room for the copy the node does
// its work all the same.
func compactFirst(ctx context.Context, n *node.Node, logger *slog.Logger) error {
	done, err := n.Log().Compact(ctx)
	switch {
	case errors.Is(err, eventlog.ErrReadOnly):
		return err
	case err != nil:
		logger.Warn("not compacted; going on with the file as it is", "err", err)
	default:
		logger.Info("compacted", "before", done.Before, "after", done.After)
	}
	return nil
}
