package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// The kinds of the notes.
const (
	kindFirst   = "author.first" // an author's first transition of all
	kindYear    = "year.end"     // what a node has written of a year
	kindStarted = "node.started"
	kindCut     = "link.cut" // the node goes on without the others
	kindLinked  = "link.up"  // it is linked again
)

// note is an entry that is no transition.
type note struct {
	kind, subject string
	time          int64 // nanoseconds since 1970
	payload       string
}

// newNote makes a note at the time of a move.
func newNote(kind, subject string, at move, payload any) note {
	b, _ := json.Marshal(payload) // a map of texts and numbers
	return note{kind, subject, at.Time.UnixNano(), string(b)}
}

// MarshalJSON returns the note as a node takes it.
func (n note) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind    string          `json:"kind"`
		Subject string          `json:"subject,omitempty"`
		Time    time.Time       `json:"time"`
		Payload json.RawMessage `json:"payload"`
	}{n.kind, n.subject, time.Unix(0, n.time).UTC(), json.RawMessage(n.payload)})
}

// noteNow notes what happens to the node, at the time of the move that is its next one: the demo lives through the years of
// its input.
func (s *script) noteNow(ctx context.Context, kind string) error {
	if !s.notes || len(s.moves) == 0 {
		return nil
	}
	at := s.moves[min(s.acked, len(s.moves)-1)]
	return s.writeNotes(ctx, newNote(kind, s.name, at, map[string]any{"node": s.name, "written": s.acked}))
}

// writeNotes writes notes. They count as written when all are acked.
func (s *script) writeNotes(ctx context.Context, notes ...note) error {
	var lines bytes.Buffer
	for _, n := range notes {
		if err := json.NewEncoder(&lines).Encode(n); err != nil {
			return err
		}
	}
	acked := 0
	err := s.with(ctx, func(c *client.Client) error {
		for _, err := range c.Append(ctx, &lines) {
			if err != nil {
				return err
			}
			acked++
		}
		return nil
	})
	if err == nil && acked != len(notes) {
		err = fmt.Errorf("%s: it acked %d of %d notes", s.name, acked, len(notes))
	}
	s.noted = append(s.noted, notes...)
	return err
}

// noteMoves has each node note what its moves come to.
func (d *demo) noteMoves(ctx context.Context) error {
	if !d.cfg.Page {
		return nil
	}
	d.say.begin("noting what they come to", 0)
	if err := d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
		return s.writeNotes(ctx, append(firsts(s.moves), years(s.moves)...)...)
	}); err != nil {
		return err
	}
	d.say.say("noted beside them what they come to, %s entries of other kinds", thousands(len(d.noted())))
	return nil
}

// firsts notes the first move of each author, all of whose moves are on one node. Of several at one time it is the first of
// the input.
func firsts(moves []move) (notes []note) {
	seen := make(map[string]bool)
	for _, m := range byTime(moves) {
		if !seen[m.Author] {
			seen[m.Author] = true
			notes = append(notes, newNote(kindFirst, m.Subject, m, map[string]any{"author": m.Author}))
		}
	}
	return notes
}

// years notes how many transitions of how many subjects a node has of each year, at the last of them.
func years(moves []move) (notes []note) {
	ofYear := make(map[int][]move)
	for _, m := range byTime(moves) {
		year := m.Time.UTC().Year()
		ofYear[year] = append(ofYear[year], m)
	}
	for year, of := range ofYear {
		notes = append(notes, newNote(kindYear, "", of[len(of)-1], map[string]any{
			"year": year, "transitions": len(of), "subjects": distinct(of, func(m move) string { return m.Subject }),
		}))
	}
	slices.SortFunc(notes, func(a, b note) int { return cmp.Compare(a.time, b.time) })
	return notes
}

func byTime(moves []move) []move {
	return slices.SortedStableFunc(slices.Values(moves), func(a, b move) int { return a.Time.Compare(b.Time) })
}

// noted returns all notes that have been written.
func (d *demo) noted() (all []note) {
	for _, s := range d.scripts {
		all = append(all, s.noted...)
	}
	return all
}

// readNotes returns how often a node holds each note.
func readNotes(ctx context.Context, c *client.Client) (map[note]int, error) {
	found := make(map[note]int)
	for line, err := range c.Entries(ctx, api.Query{Kinds: []string{kindFirst, kindYear, kindStarted, kindCut, kindLinked}}) {
		if err != nil {
			return nil, err
		}
		e, _, err := line.Entry()
		if err != nil {
			return nil, err
		}
		found[note{e.Kind, e.Subject, e.Time.UnixNano(), string(e.Payload)}]++
	}
	return found, nil
}

// compareNotes says whether a node holds each note exactly as often as it was written.
func (f *finding) compareNotes(name string, all []note) error {
	left := make(map[note]int)
	for n, count := range f.notes {
		left[n] = count
	}
	for _, n := range all {
		left[n]--
	}
	for n, count := range left {
		if count != 0 {
			return fmt.Errorf("%s: it holds the note %s of %s %+d times more than were written", name, n.kind, n.subject, count)
		}
	}
	return nil
}

func total(notes map[note]int) (n int) {
	for _, count := range notes {
		n += count
	}
	return n
}
