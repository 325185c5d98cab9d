package crdt

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/crdt/clip"
)

// BranchID tells the branches of a disputed feed apart: the first 8 bytes of an op's id. Zero means
// that none is named.
type BranchID [8]byte

// IsZero reports whether no branch is named.
func (b BranchID) IsZero() bool { return b == BranchID{} }

// String returns 16 digits of lower-case hex.
func (b BranchID) String() string { return hex.EncodeToString(b[:]) }

// Place says where an entry stands: AUTHOR/SEQ, and on a disputed branch AUTHOR/SEQ@BRANCH.
type Place struct {
	Author Author
	Seq    uint64
	Branch BranchID // zero unless the entry is disputed
}

// String returns the text form.
func (p Place) String() string {
	s := p.Author.String() + "/" + strconv.FormatUint(p.Seq, 10)
	if p.Branch.IsZero() {
		return s
	}
	return s + "@" + p.Branch.String()
}

// ParsePlace reads the text form.
func ParsePlace(s string) (Place, error) {
	author, rest, ok := strings.Cut(s, "/")
	if !ok {
		return Place{}, fmt.Errorf("place %q: expected AUTHOR/SEQ", clip.Text(s))
	}
	var p Place
	var err error
	if p.Author, err = ParseAuthor(author); err != nil {
		return Place{}, fmt.Errorf("place %q: %w", clip.Text(s), err)
	}
	seq, branch, disputed := strings.Cut(rest, "@")
	p.Seq, err = strconv.ParseUint(seq, 10, 64)
	if err != nil || p.Seq >= MaxSeq || strconv.FormatUint(p.Seq, 10) != seq {
		return Place{}, fmt.Errorf("place %q: expected a sequence number below 2^53 after the slash", clip.Text(s))
	}
	if disputed {
		if err := parseHex(p.Branch[:], branch); err != nil {
			return Place{}, fmt.Errorf("place %q: after @: %w", clip.Text(s), err)
		}
		if p.Branch.IsZero() {
			return Place{}, fmt.Errorf("place %q: no op has the branch that stands after @", clip.Text(s))
		}
	}
	return p, nil
}

// MarshalText returns the text form.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is [ParsePlace].
func (p *Place) UnmarshalText(text []byte) error {
	parsed, err := ParsePlace(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}
