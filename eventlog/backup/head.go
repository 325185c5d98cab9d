package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// ID names a backup: the hash of all of it.
type ID [32]byte

// String returns the id in hex.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns the id in hex.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the id from hex.
func (id *ID) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(id) {
		return fmt.Errorf("id of a backup: expected %d digits of hex, got %q", 2*len(id), text)
	}
	copy(id[:], b)
	return nil
}

// Head is what a backup begins with.
type Head struct {
	// Format is the version of the log's file, whose keys and values the backup has.
	Format int `json:"format"`
	// Log is the log's id. Author is who writes to it, Formerly who did before, the last first.
	Log      crdt.LogID    `json:"log"`
	Author   crdt.Author   `json:"author"`
	Formerly []crdt.Author `json:"formerly,omitempty"`
	Made     time.Time     `json:"made"` // when it was begun
	// Incarnation is the present name of the log's arrivals, in hex: see [eventlog.Log.Incarnation].
	Incarnation string `json:"incarnation"`
	// From ≤ offset < To are the arrivals whose ops the backup has. All else in it is as of the moment when To was the
	// offset of the next one. Sweep is the number of the last transaction by then that forgot something.
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Sweep uint64 `json:"sweep"`
	// Since is the backup without which this one cannot be restored; nil where it is whole by itself.
	Since *ID `json:"since,omitempty"`
}

// End is what a backup ends with.
type End struct {
	Ops     uint64 `json:"ops"`     // how many ops it has
	Entries uint64 `json:"entries"` // how many entries
	// Pruned are the feeds of which something was pruned while the backup was made, up to which seq.
	Pruned []Pruned `json:"pruned,omitempty"`
	// Damage is what could not be read of the log, at most 1,000 places; More counts the others.
	Damage []Damage `json:"damage,omitempty"`
	More   uint64   `json:"more,omitempty"`
}

// Pruned is a feed that lies pruned below a seq, since a sweep, by its author's leave: a header and its signature.
type Pruned struct {
	Author crdt.Author `json:"author"`
	Below  uint64      `json:"below"` // the seq below which it is
	Sweep  uint64      `json:"sweep"` // the number of the transaction that forgot it
	Leave  []byte      `json:"leave"` // the author's header and signature
}

// Damage is what could not be read of the log, and is not in the backup.
type Damage struct {
	// Place is that of the first entry, where it is known whose that is; else zero.
	Place *crdt.Place `json:"place,omitempty"`
	// From ≤ offset < To are the offsets of the entries; equal where it is no entries that are missing.
	From uint64 `json:"from,omitempty"`
	To   uint64 `json:"to,omitempty"`
	// What says what is damaged, and how.
	What string `json:"what"`
}

// String returns the damage in a line.
func (d Damage) String() string {
	switch {
	case d.Place != nil:
		noun := "entries"
		if d.To-d.From == 1 {
			noun = "entry"
		}
		return fmt.Sprintf("%s, %d %s: %s", d.Place, d.To-d.From, noun, d.What)
	case d.From < d.To:
		return fmt.Sprintf("offsets %d to %d: %s", d.From, d.To-1, d.What)
	}
	return d.What
}

// Summary says what a backup holds.
type Summary struct {
	ID    ID            `json:"id"`
	Bytes int64         `json:"bytes"` // how long the stream is
	Head  `json:"head"` // what it begins with
	End   `json:"end"`  // what it ends with
	// Files and Key are what whoever made the backup has put into it.
	Files []File `json:"files,omitempty"`
	Key   []byte `json:"key,omitempty"`
}

// File is a small file that belongs with a log, such as the configuration of the node that keeps it.
type File struct {
	Name string `json:"name"` // without a folder
	Data []byte `json:"data"` // what it holds
}

// Whole reports whether all that the log had is in the backup.
func (s *Summary) Whole() bool { return len(s.Damage) == 0 }

// Options say how [eventlog.Log.Backup] makes a backup. It may be zero.
type Options struct {
	// Since is an earlier backup of the same log, what [Check], [ReadSummary] or the making of it has returned: only what
	// it lacks is written. Nil means all.
	Since *Summary
	// TempDir is where the small part is kept until it is written; "" means [os.TempDir].
	TempDir string
	// MaxHold is how long what is not written yet is kept from trims and prunes: 0 means an hour, negative not at all. What goes after that
	// is missing from the backup as it then is from the log, and recorded as trimmed or pruned.
	MaxHold time.Duration
	// Files are kept in the backup as they are, at most [MaxFiles] of them with [MaxFileBytes] together: what else is
	// needed where the log is restored. So is Key, the log's key, which the caller has sealed; nil for none.
	Files []File
	Key   []byte
	// Progress is called from time to time with how many entries of how many are written; nil for nobody.
	Progress func(done, total uint64)
}

// Follows says why a backup does not follow the one before it in a chain, or is not its first where that is nil, with an
// error that wraps [ErrChain]; nil where it does.
func (h *Head) Follows(before *Summary) error {
	wrong := ""
	switch {
	case before == nil && h.Since != nil:
		wrong = fmt.Sprintf("it has what another one lacks, whose id is %s: that is to come first", h.Since)
	case before == nil:
	case h.Since == nil:
		wrong = "it is whole by itself, and not since the one before"
	case *h.Since != before.ID:
		wrong = fmt.Sprintf("it is since the one whose id is %s, the one before it is %s", h.Since, before.ID)
	case h.Log != before.Log:
		wrong = fmt.Sprintf("it is of log %s, the one before of %s", h.Log, before.Log)
	case h.From != before.To:
		wrong = fmt.Sprintf("it begins at offset %d, the one before ends at %d", h.From, before.To)
	}
	if wrong == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrChain, wrong)
}

// CheckMeta says what is wrong with what a backup has of meta: a log that is made of it is to be the head's, and is not to
// write before it knows where its feed ends.
func (h *Head) CheckMeta(meta map[string][]byte) error {
	var formerly []byte
	for _, a := range h.Formerly {
		formerly = append(formerly, a[:]...)
	}
	switch {
	case !bytes.Equal(meta[string(schema.Log)], h.Log[:]), !bytes.Equal(meta[string(schema.Author)], h.Author[:]),
		!bytes.Equal(meta[string(schema.Formerly)], formerly):
		return errors.New("meta says another log or another author than the head")
	case !bytes.Equal(meta[string(schema.Format)], []byte{byte(h.Format)}):
		return errors.New("meta says another version than the head")
	case meta[string(schema.Why)] == nil, meta[string(schema.Told)] == nil:
		return errors.New("meta does not say that the end of the feed is to be asked for")
	}
	return nil
}

// decode reads the JSON of a head or an end, and nothing else.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err == nil {
		return fmt.Errorf("something follows it")
	}
	return nil
}
