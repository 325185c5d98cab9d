package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

const backupHelp = `Write a backup of the node in D to FILE, or to stdout (-): its log as it is at one
moment, with followers, their state and what they have parked; quipu.yaml; and
where members were. "quipu restore" makes the node again of it. A daemon goes on
meanwhile: nothing waits for the backup, however slow FILE is, and what is not
written yet is kept from trims and prunes for as long as --hold says. All that is
written is checked on the way. With --server the node there writes it, and FILE
is here.

With --since only what an earlier backup lacks is written. Both are needed to
restore, in their order; of three, the third may be since the second.

The node's key is not in a backup, nor its cluster secret. With --with-key both
are, sealed by a passphrase, as a file of age (https://age-encryption.org): from
the file that --passphrase-file names, or asked for twice at the terminal. Without,
keep a copy of the key elsewhere ("quipu key export"). A secret that lies outside
of D is not taken along.

FILE is there only once it is complete and on the disk, and takes the place of
another file only with --force. It is open to its owner alone. One that is killed
leaves a file .FILE.new-…, which can be removed. What cannot be read of a damaged
log is left out and named; the exit code is 1 then, and FILE is there all the same.

With --check nothing is written. Each FILE is read to its end and verified, all
hashes and signatures; of one that is cut, altered or no backup, that is said by
its name, and the exit code is 1. It needs no node.`

// backupCommand is a quipu backup on its way.
type backupCommand struct {
	dir, since, format string
	phrase, keyPhrase  string // files with passphrases: to seal by, and of the node's key
	force, withKey     bool
	check              bool
	hold               time.Duration
}

func newBackup() *cobra.Command {
	b := &backupCommand{hold: time.Hour}
	cmd := &cobra.Command{
		Use:   "backup --dir D [--since FILE] [--with-key] FILE | --check FILE...",
		Short: "Copy a node to a file, or verify such files",
		Long:  backupHelp,
		Example: `  quipu backup --dir a a.backup
  quipu backup --dir a --since a.backup monday.backup
  quipu backup --check a.backup monday.backup
  quipu backup --dir a - | ssh there 'cat > a.backup'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if b.check && len(args) == 0 {
				return usagef("--check: expected the names of backups")
			}
			if b.check {
				return nil
			}
			return oneArg("the file to write")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.check {
				return checkBackups(cmd, b.format, args)
			}
			if b.hold <= 0 {
				return usagef("--hold %s: expected more than 0, such as 1h", b.hold)
			}
			if b.phrase != "" && !b.withKey {
				return usagef("--passphrase-file goes with --with-key")
			}
			return b.run(cmd, args[0])
		},
	}
	dirFlag(cmd, &b.dir)
	needsDir := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if !b.check {
			return needsDir(cmd, args)
		}
		for _, name := range []string{"dir", "server", "token-file", "since", "with-key", "force", "hold", "passphrase-file", passphraseFlag} {
			if cmd.Flags().Changed(name) {
				return usagef("--check and --%s exclude each other", name)
			}
		}
		return nil
	}
	f := cmd.Flags()
	f.StringVar(&b.since, "since", "", "write only what this backup, a `file`, lacks")
	f.BoolVar(&b.force, "force", false, "replace FILE if it is there")
	f.Var(spanFlag{&b.hold}, "hold", "keep what is not written yet from trims and prunes for this `time`")
	f.BoolVar(&b.withKey, "with-key", false, "add the node's key and secret, sealed by a passphrase")
	f.StringVar(&b.phrase, "passphrase-file", "", "a `file` with the passphrase to seal them by")
	f.StringVar(&b.keyPhrase, passphraseFlag, "", "a `file` with the passphrase of the node's key, where that is sealed by one")
	f.BoolVar(&b.check, "check", false, "verify backups, and write nothing")
	formatFlag(cmd, &b.format, asTable, asJSON)
	return cmd
}

// run makes the backup.
func (b *backupCommand) run(cmd *cobra.Command, path string) error {
	if err := b.spares(cmd.Context(), path); err != nil {
		return err
	}
	if err := notAtServer(cmd, "with-key", passphraseFlag); err != nil {
		return err
	}
	req := api.BackupRequest{Hold: age.Age(b.hold)}
	var err error
	if b.since != "" {
		if req.Since, err = readBackupEnd(b.since); err != nil {
			return err
		}
	}
	if serverOf(cmd.Context()) == nil { // else the node there knows
		if req.Files, err = node.BackupFiles(b.dir, func(err error) { warnf(cmd, "left out: %v", err) }); err != nil {
			return err
		}
	}
	var s backup.Summary
	var began time.Time
	err = readNode(cmd.Context(), b.dir, true, func(text string) { warnf(cmd, "%s", text) }, func(c *client.Client) error {
		if req.Key, err = b.key(cmd, c, path); err != nil {
			return err
		}
		began = time.Now()
		return copyTo(cmd, path, b.force, func(w io.Writer) error {
			s, err = metered(cmd, "back up", func(told func(api.Progress)) (backup.Summary, error) {
				return c.Backup(cmd.Context(), w, req, told)
			})
			return err
		})
	})
	if wrong, ok := errors.AsType[*api.Error](err); ok && wrong.Code == api.Invalid && b.since != "" {
		err = fmt.Errorf("--since %s: %w", b.since, err)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if path == stdio {
		out = cmd.ErrOrStderr()
	}
	if err := printBackup(out, b.format, told(path, &s, began)); err != nil {
		return err
	}
	if !s.Whole() {
		return lackingIn(path, &s)
	}
	return nil
}

// spares refuses a path at which something is that the backup needs: the one since which it is made, or a part of the node.
func (b *backupCommand) spares(ctx context.Context, path string) error {
	at, err := os.Stat(path)
	if path == stdio || err != nil || !at.Mode().IsRegular() {
		return nil
	}
	if since, err := os.Stat(b.since); err == nil && os.SameFile(since, at) {
		return usagef("%s is the backup that --since names, and is needed to restore this one: give another name", path)
	}
	if b.force && serverOf(ctx) == nil && folder.Folder(b.dir).Has(path) {
		return usagef("%s is a part of the node in %s: give another name", path, b.dir)
	}
	return nil
}

// key returns the node's key and secret, sealed; nil where they are not asked for.
func (b *backupCommand) key(cmd *cobra.Command, c *client.Client, path string) ([]byte, error) {
	if !b.withKey {
		return nil, nil
	}
	ctx := cmd.Context()
	var phrase []byte
	var err error
	if b.phrase != "" {
		phrase, err = folder.ReadPassphrase(b.phrase)
	} else {
		phrase, err = personOf(ctx).invent(ctx, path)
	}
	if errors.Is(err, errNobodyAsked) {
		return nil, usagef("a private key is written sealed by a passphrase, and %w: give --passphrase-file", err)
	}
	if err != nil {
		return nil, err
	}
	status, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	config := ""
	if cfg, err := folder.Folder(b.dir).ReadConfig(); err == nil {
		config = cfg.KeyPassphraseFile
	}
	return node.SealKey(b.dir, status.Author, passphrase(ctx, b.keyPhrase, config), phrase)
}

// readBackupEnd returns what the backup in a file holds, by its beginning and its end.
func readBackupEnd(path string) (*backup.Summary, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	defer file.Close()
	if stat, err := file.Stat(); err != nil || !stat.Mode().IsRegular() {
		return nil, errors.Join(err, usagef("--since %s: expected a file with a backup", path))
	}
	s, err := backup.ReadSummary(file)
	if err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	return &s, nil
}

// toldBackup is what is printed of a backup, in JSON as it stands here.
type toldBackup struct {
	File    string          `json:"file"`
	ID      backup.ID       `json:"id"`
	Since   *backup.ID      `json:"since,omitempty"`
	Log     crdt.LogID      `json:"log"`
	Author  crdt.Author     `json:"author"`
	Made    time.Time       `json:"made"`
	From    uint64          `json:"from"`
	To      uint64          `json:"to"`
	Ops     uint64          `json:"ops"`
	Entries uint64          `json:"entries"`
	Files   []string        `json:"files"`
	Key     bool            `json:"key"` // it has one, sealed
	Damage  []backup.Damage `json:"damage"`
	More    uint64          `json:"more,omitempty"` // damage that is not listed
	pace
}

// pace says how much was done in which time.
type pace struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func paceOf(bytes int64, began time.Time) pace { return pace{bytes, time.Since(began).Seconds()} }

// String returns the amount, the time and the rate.
func (p pace) String() string {
	took := time.Duration(p.Seconds * float64(time.Second)).Round(time.Millisecond)
	return fmt.Sprintf("%s in %s, %s/s", size(p.Bytes), took, size(int64(float64(p.Bytes)/max(p.Seconds, 1e-3))))
}

func told(path string, s *backup.Summary, began time.Time) toldBackup {
	t := toldBackup{
		File: path, ID: s.ID, Since: s.Since, Log: s.Log, Author: s.Author, Made: s.Made, From: s.From, To: s.To,
		Ops: s.Ops, Entries: s.Entries, Files: []string{}, Key: s.Key != nil, Damage: append([]backup.Damage{}, s.Damage...), More: s.More,
		pace: paceOf(s.Bytes, began),
	}
	for _, f := range s.Files {
		t.Files = append(t.Files, f.Name)
	}
	return t
}

// printBackup prints what a backup holds.
func printBackup(w io.Writer, format string, t toldBackup) error {
	if format == asJSON {
		return printJSON(w, t)
	}
	key := "no key"
	if t.Key {
		key = "the key, sealed"
	}
	id := shortID(t.ID)
	if t.Since != nil {
		id += ", since " + shortID(*t.Since)
	}
	_, err := fmt.Fprintf(w, "%s: %s in %s, offsets %d to %d, %s; %s; id %s\n", printable(t.File), count(t.Entries, "entry"), count(t.Ops, "op"), t.From, t.To, key, t.pace, id)
	for _, d := range t.Damage {
		if err == nil {
			_, err = fmt.Fprintf(w, "left out: %s\n", printable(d.String()))
		}
	}
	return err
}

// shortID returns what people call a backup by that has lost its name.
func shortID(id backup.ID) string { return id.String()[:16] }

// lackingIn says that a backup has not all that its log had.
func lackingIn(path string, s *backup.Summary) error {
	return fmt.Errorf("%s lacks what could not be read of the log when it was made: %s: \"quipu repair --dir D\" brings back what other nodes hold, for the next backup",
		path, clip.List(s.Damage, 3, func(d backup.Damage) string { return printable(d.String()) }))
}

// checkBackups verifies backups. Its error is that of the first that cannot be used.
func checkBackups(cmd *cobra.Command, format string, paths []string) error {
	known := make(map[backup.ID]*backup.Summary)
	var all []*backup.Summary
	var failed error
	for _, path := range paths {
		began := time.Now()
		s, err := metered(cmd, "check "+path, func(told func(api.Progress)) (backup.Summary, error) { return checkBackup(cmd, path, told) })
		if err == nil {
			known[s.ID], all = &s, append(all, &s)
			if err = printBackup(cmd.OutOrStdout(), format, told(path, &s, began)); err != nil {
				return err
			}
			if !s.Whole() {
				err = lackingIn(path, &s)
			}
		} else {
			all = append(all, nil)
		}
		if context.Cause(cmd.Context()) != nil {
			return err
		}
		if err != nil && failed != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "quipu: %s\n", printable(err.Error()))
		} else if err != nil {
			failed = err
		}
	}
	for i, s := range all {
		if s == nil || s.Since == nil {
			continue
		}
		if before := known[*s.Since]; before == nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "quipu: %s is since another backup, id %s, which is needed to restore it and is not among these\n", printable(paths[i]), shortID(*s.Since))
		} else if err := s.Follows(before); err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", paths[i], err)
		}
	}
	return failed
}

// checkBackup verifies one.
func checkBackup(cmd *cobra.Command, path string, told func(api.Progress)) (backup.Summary, error) {
	in, err := openInput(cmd, path)
	if err != nil {
		return backup.Summary{}, err
	}
	defer in.Close()
	return backup.Check(cmd.Context(), named{in, path}, progressOf(told))
}

// named is a stream with the name by which it was given.
type named struct {
	io.Reader
	name string
}

// Name returns it.
func (n named) Name() string { return n.name }

// progressOf tells how many entries are done of how many.
func progressOf(told func(api.Progress)) func(done, total uint64) {
	return func(done, total uint64) { told(api.Progress{Done: done, Total: total, Unit: "entries"}) }
}
