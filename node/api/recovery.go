package api

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

// Recovery is why a node may not know the end of its own feed, and how far it has come in finding it. Meanwhile it
// appends nothing; all else goes on.
type Recovery struct {
	Author crdt.Author `json:"author"`
	// Why is "older", "key", "copied", "rolled back", "head", "moved" or "backup"; Text says that in words. Detail is how it
	// was found, such as what the file is and was; "" where there is no more to say.
	Why    string `json:"why"`
	Text   string `json:"text"`
	Detail string `json:"detail,omitempty"`
	// Since is when it began; zero where that was not kept.
	Since time.Time `json:"since,omitzero"`
	// From is where the feed ended here then, nil where nothing of it was here; End is where it ends by now.
	From *Head `json:"from,omitempty"`
	End  Head  `json:"end"`

	// Asking says that a daemon runs, which asks the members; without one the fields below say nothing. Copy says in
	// words that another process with this node's key was met: then the node does not go on.
	Asking bool   `json:"asking"`
	Copy   string `json:"copy,omitempty"`
	// Came is how many entries of the feed have come since the members are asked, Sources from whom, PerSecond how
	// many lately do. Claimed is the highest next seq that a linked member names; nothing may be there.
	Came      uint64  `json:"came,omitempty"`
	Sources   []Named `json:"sources,omitempty"`
	PerSecond float64 `json:"perSecond,omitempty"`
	Claimed   uint64  `json:"claimed,omitempty"`
	// Asked hold the feed up to End and no more. Unproven are those of them that claim more, and did not deliver it.
	Asked    []Named `json:"asked,omitempty"`
	Unproven []Claim `json:"unproven,omitempty"`
	// Missing are those that have to be asked yet, Without those that the node goes on without, by the operator's
	// word.
	Missing []Absent `json:"missing,omitempty"`
	Without []Absent `json:"without,omitempty"`
}

// Named is an author, and what it calls itself where that is known.
type Named struct {
	Author crdt.Author `json:"author,omitzero"`
	Name   string      `json:"name,omitempty"` // what the author calls itself, where that is known; it may be anything
}

// String returns what people call it: "NAME (digits)".
func (n Named) String() string {
	if n.Name == "" {
		return n.Author.Short()
	}
	return n.Name + " (" + n.Author.Short() + ")"
}

// NamesOf adds to authors what they call themselves, as names has it.
func NamesOf(authors []crdt.Author, names map[crdt.Author]string) (all []Named) {
	for _, a := range authors {
		all = append(all, Named{a, names[a]})
	}
	return all
}

// Claim is a node's word that another's feed goes on up to before Next.
type Claim struct {
	Named
	Next uint64 `json:"next"` // the seq up to before which it says that the feed goes on
}

// Absent is a member that was not asked, or a place to join at which nobody has answered.
type Absent struct {
	Named        // the zero author for a place
	Addr  string `json:"addr,omitempty"` // HOST:PORT, or the name, of an address to join
	// Since is when it was last heard of; of a place, since when it is asked.
	Since time.Time `json:"since,omitzero"`
	// Why is what is amiss; "" where it is not linked.
	Why string `json:"why,omitempty"`
	// By are nodes that have named it where nobody else knows of it.
	By []Named `json:"by,omitempty"`
}

// String says who is missing and since when, or what is amiss.
func (a Absent) String() string {
	text := a.Named.String()
	if a.Author.IsZero() {
		text = a.Addr
	}
	switch {
	case a.Why != "":
		text += " " + a.Why
	case a.Since.IsZero():
		text += ", not heard"
	default:
		text += ", not heard since " + when(a.Since, time.Now())
	}
	if len(a.By) > 0 {
		text += " (as " + a.By[0].String() + " says)"
	}
	return text
}

// away reports whether nothing is to be had from it, be it for ever.
func (a Absent) away() bool { return a.Author.IsZero() || a.Why == "" }

// plain are the names that a shell takes as they are.
var plain = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.:-]*$`)

// Handle returns the word by which --without names a member that is missing: its name where that tells it apart, else
// the first digits of its author; of a place its address.
func (r *Recovery) Handle(a Absent) string {
	same := func(b Absent) bool { return b.Name == a.Name && b.Author != a.Author }
	switch {
	case a.Author.IsZero():
		return a.Addr
	case !plain.MatchString(a.Name) || slices.ContainsFunc(r.Missing, same):
		return a.Author.Short()
	}
	return a.Name
}

// Progress says how far the node has come and who is missing; "" where nobody asks.
func (r *Recovery) Progress() string {
	if !r.Asking {
		return ""
	}
	var said []string
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if r.Came > 0 || r.Claimed > r.End.Next {
		text := commas(r.End.Next)
		if r.Claimed > r.End.Next {
			text += " of at least " + commas(r.Claimed)
		}
		text += " entries of its own"
		if len(r.Sources) > 0 {
			text += ", from " + names(r.Sources)
		}
		if rate := uint64(r.PerSecond + 0.5); rate > 0 {
			text += ", " + commas(rate) + " a second"
		}
		add("%s", text)
	}
	if len(r.Asked) > 0 {
		add("asked: %s", names(r.Asked))
	}
	if len(r.Unproven) > 0 {
		add("not proven: %s", clip.List(r.Unproven, mostTold, Claim.String))
	}
	if len(r.Without) > 0 {
		add("going on without %s", clip.List(r.Without, mostTold, Absent.String))
	}
	if len(r.Missing) > 0 {
		add("missing: %s", clip.List(r.Missing, mostTold, Absent.String))
	}
	if len(r.Asked)+len(r.Missing)+len(r.Without) == 0 {
		add("nobody has been asked yet")
	}
	return strings.Join(said, "; ")
}

// String says what is claimed, and by whom.
func (c Claim) String() string {
	return fmt.Sprintf("%s claims entries up to %d, and does not give them", c.Named, c.Next-1)
}

// Remedy says how it goes on, and what to type.
func (r *Recovery) Remedy() string {
	switch {
	case r.Copy != "":
		return besideCopy
	case slices.ContainsFunc(r.Missing, func(a Absent) bool { return !a.Author.IsZero() && a.Author == r.Author }):
		// Nobody but a peer has met it, which may be mistaken, or lie.
		return besideCopy + `; where none runs, "quipu recover --dir D --without ` + r.Author.Short() + `" goes on`
	case !r.Asking:
		return `"quipu start --dir D" asks the members and goes on by itself; where no other node of the log is left, "quipu recover --dir D --alone" does without`
	case slices.ContainsFunc(r.Missing, Absent.away):
		var without strings.Builder
		for i, m := range r.Missing {
			if i < mostTold && m.away() {
				without.WriteString(" --without " + r.Handle(m))
			}
		}
		return `it goes on by itself once they were asked; "quipu recover --dir D` + without.String() + `" goes on without`
	case len(r.Asked)+len(r.Missing)+len(r.Without) == 0:
		return `it goes on by itself once a member was asked; where no other node of the log is left, "quipu recover --dir D --alone" does without`
	}
	return `it goes on by itself; "quipu recover --dir D" says how far it is`
}

// besideCopy says what becomes of a copy.
const besideCopy = `it does not go on beside that one: "quipu stop --dir D" and then "quipu recover --dir D --new-key" gives this folder a key of its own`

// String says why, how far it is, and what to type.
func (r *Recovery) String() string {
	said := []string{r.Text}
	if r.Copy != "" {
		said = append(said, r.Copy)
	} else if progress := r.Progress(); progress != "" {
		said = append(said, progress)
	}
	return strings.Join(append(said, r.Remedy()), "; ")
}

// names lists nodes as people call them.
func names(all []Named) string {
	return clip.List(all, mostTold, func(n Named) string {
		if n.Name == "" {
			return n.Author.Short()
		}
		return n.Name
	})
}

// commas writes a number with a comma between each three digits: "12,400".
func commas(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// NotMissing is the error that somebody is named who is not missing; it says who is.
func (r *Recovery) NotMissing(name string) error {
	who := "nobody is missing"
	if len(r.Missing) > 0 {
		who = "missing: " + clip.List(r.Missing, mostTold, Absent.String)
	}
	return &Error{Code: NotFound, Message: fmt.Sprintf("no member that is missing is called %q: %s", clip.Text(name), who)}
}
