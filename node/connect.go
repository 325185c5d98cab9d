package node

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node/asked"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/server"
)

// The waiting of [Connect] for a daemon that is starting or stopping.
const (
	connectFor   = 5 * time.Second
	connectPause = 20 * time.Millisecond
)

// InUseError is returned by [New] and [Connect] when another process has the log open and does not
// answer.
type InUseError struct {
	Path string // of the log's file
	PID  int    // of the process, 0 if it cannot be told
	err  error
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is in use by %s", e.Path, who)
}

// Unwrap returns the log's own error.
func (e *InUseError) Unwrap() error { return e.err }

// Access says how [Connect] opens a log when no daemon runs. Its zero value is good.
type Access struct {
	// Version is shown in the status.
	Version string
	// Secret is the cluster secret for dialling other nodes, SecretFrom and Open belong to it, as in
	// [Config]. Default: that in the folder's file "secret", if it is there.
	Secret     []byte
	SecretFrom string
	Open       bool
	// Passphrase opens the folder's key where that is sealed and no daemon runs. Default: that in the file which
	// quipu.yaml names.
	Passphrase folder.Passphrase
	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
	// Warn takes what whoever reads should know. Nil discards it.
	Warn func(string)
	// Reads says that nothing is written, and Gives that other nodes may get the ops that are read, which is put on record
	// first where the folder can be written.
	Reads, Gives bool
}

// Connect returns a client of the node in the folder dir: of the daemon that runs there, or, when none
// does, of its log, which is then open, and locked against every other process, until the client is
// closed. Beside a daemon that is starting or stopping it waits for one or the other, at most 5 s, and
// then returns a [*InUseError].
//
// With Access.Reads and no daemon that can be asked the log is only read: no key is needed, nothing is written, and
// nobody is kept out or waited for, see [eventlog.Config].
func Connect(ctx context.Context, dir string, access Access) (*client.Client, error) {
	f := folder.Folder(dir)
	access.Logger = cmp.Or(access.Logger, slog.New(slog.DiscardHandler))
	if client, err := dialDaemon(ctx, f); err == nil {
		return client, nil
	}
	if access.Reads {
		if client, err := readFolder(f, access); client != nil || err != nil {
			return client, err
		}
	}
	cfg, err := readConfig(f)
	if err != nil {
		return nil, err
	}
	access.Passphrase.File = cmp.Or(access.Passphrase.File, cfg.KeyPassphraseFile)
	access.Passphrase = access.Passphrase.Remembered()
	key, err := f.OpenKey(access.Passphrase) // which may wait for a person
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	with := openingOf(cfg, access.Passphrase)
	daemons := asked.New(false, 0)
	with.peers = daemons
	for {
		if client, err := dialDaemon(ctx, f); err == nil {
			return client, nil
		}
		log, key, err := openLog(f, key, with, access.Logger)
		if err == nil {
			if err := configured(f, cfg, log); err != nil {
				return nil, errors.Join(err, log.Close())
			}
			// Nothing is appended where the daemon would ask first. A soft reason, which costs the daemon a moment,
			// costs the command nothing.
			if state := log.Recovering(); state != nil && !state.Why.Soft() && knowsAnybody(f, cfg.Join) {
				daemons.Expect()
			}
			return serveLocal(f, cfg, log, key, access), nil
		}
		if _, inUse := errors.AsType[*InUseError](err); !inUse {
			return nil, err
		}
		select {
		case <-time.After(connectPause):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				if _, strange := f.Socket(); strange != nil {
					return nil, fmt.Errorf("%w, which cannot be asked: %v", err, strange)
				}
				return nil, fmt.Errorf("%w, which has not answered for %s", err, connectFor)
			}
			return nil, context.Cause(ctx)
		}
	}
}

// configured reports, as an [ErrOtherLog], that a folder's file holds another log than its configuration names.
func configured(f folder.Folder, cfg folder.Config, log *eventlog.Log) error {
	if cfg.Log == "" || cfg.Log == log.ID().String() {
		return nil
	}
	return fmt.Errorf("%w: %s holds log %s, %s names %s: one of the two is another node's", ErrOtherLog, f.Log(), log.ID(), f.Config(), cfg.Log)
}

// ConnectDaemon is [Connect] for those that need a running daemon: it never opens the log, and does not
// wait.
func ConnectDaemon(ctx context.Context, dir string) (*client.Client, error) {
	return dialDaemon(ctx, folder.Folder(dir))
}

// dialDaemon returns a client of the daemon whose socket is in the folder, if it takes connections within 5 s.
func dialDaemon(ctx context.Context, f folder.Folder) (*client.Client, error) {
	path, err := f.Socket()
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	ctx, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the daemon: %w", err)
	}
	if err := conn.Close(); err != nil {
		return nil, fmt.Errorf("connect to the daemon: %w", err)
	}
	return client.New(dial, nil), nil
}

// opening is what a log is opened with.
type opening struct {
	limits  Limits
	trim    eventlog.TrimPolicy
	noIndex bool
	now     func() time.Time
	peers   eventlog.AskedPeers // nil: nobody can be asked
	others  elsewhere.Receipts  // nil: no other node is known
	// passphrase opens a key that was to take the place of the folder's own.
	passphrase folder.Passphrase
}

// openingOf returns what a command opens a log with.
func openingOf(cfg folder.Config, p folder.Passphrase) opening {
	return opening{limits: LimitsOf(cfg), trim: cfg.TrimPolicy(), noIndex: cfg.NoIndex, passphrase: p}
}

// config returns with what the log of a folder is opened; key is nil to read alone. A log that others may write to is
// written to no more, as a key that they may read is not used.
func (o opening) config(f folder.Folder, key ed25519.PrivateKey, logger *slog.Logger) (eventlog.Config, error) {
	if err := f.CheckLogMode(); err != nil && key != nil {
		return eventlog.Config{}, err
	}
	cfg := eventlog.Config{Key: key, Logger: logger, Trim: o.trim, NoIndex: o.noIndex, Now: o.now, Peers: o.peers, Receipts: o.others}
	err := o.limits.apply(&cfg, f)
	return cfg, err
}

// openLog opens the log of a folder with the folder's key, and returns the key that it has: another one where [NewKey]
// was killed on the way. A command without a daemon opens it with what quipu.yaml says, so that it keeps and forgets
// what the daemon does.
func openLog(f folder.Folder, key ed25519.PrivateKey, with opening, logger *slog.Logger) (*eventlog.Log, ed25519.PrivateKey, error) {
	cfg, err := with.config(f, key, logger)
	if err != nil {
		return nil, nil, err
	}
	log, err := openEither(f, &cfg, with.passphrase)
	return log, cfg.Key, inUse(f, err)
}

// inUse returns a [*InUseError] for that of a log that another process has open, and any other as it is.
func inUse(f folder.Folder, err error) error {
	if locked, ok := errors.AsType[*eventlog.LockedError](err); ok {
		return &InUseError{Path: locked.Path, PID: f.UsedBy(), err: err}
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: expected a folder that this user may write to, which this command needs; "+
			"what only reads works on %s: log, verify, state, stats, transitions, status, bundle create, backup", err, f)
	}
	return err
}

// awaitLog is openLog for a daemon: a command that has the log open will be gone soon, so it waits for
// that as [Connect] waits for a daemon. Another daemon stays.
func awaitLog(f folder.Folder, key ed25519.PrivateKey, with opening, logger *slog.Logger) (*eventlog.Log, ed25519.PrivateKey, error) {
	for deadline := time.Now().Add(connectFor); ; time.Sleep(connectPause) {
		log, now, err := openLog(f, key, with, logger)
		if _, inUse := errors.AsType[*InUseError](err); !inUse || time.Now().After(deadline) {
			return log, now, err
		}
		if client, dialled := dialDaemon(context.Background(), f); dialled == nil {
			return nil, nil, errors.Join(err, client.Close())
		}
	}
}

// serveLocal serves a log to the client it returns.
func serveLocal(f folder.Folder, cfg folder.Config, log *eventlog.Log, key ed25519.PrivateKey, access Access) *client.Client {
	release, err := f.Use()
	if err != nil {
		access.Logger.Warn("others cannot be told who has the log open", "err", err)
	}
	dials := dialer{folder: f, access: access, log: log, key: key, name: cfg.Name, newAuthors: cfg.MaxNewAuthors, join: cfg.Join}
	all := server.NewServer(server.Config{
		Log: log, Name: cfg.Name, Remembered: namesIn(f), Version: access.Version, Logger: access.Logger,
		Syncer: dials, Repairer: dials, Tokens: tokensIn(f),
		Trimmer: trimmer{log: log, folder: f, members: cfg.TrimWaits == folder.WaitsForMembers, logger: access.Logger},
	})
	return server.Local(all.Socket(), func() error {
		all.Close()
		return errors.Join(release(), log.Close())
	})
}
