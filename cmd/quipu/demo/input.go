package demo

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// proposals are the transitions of the Python Enhancement Proposals, 2000 to 2026.
//
//go:embed pep-transitions.jsonl
var proposals []byte

// move is a line of the input: a subject moved from one stage to another.
type move struct {
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Subject string    `json:"subject"`
	Field   string    `json:"field"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Commit  string    `json:"commit"`
}

// maxLine bounds a line of the input, in bytes.
const maxLine = 1 << 20

// readInput reads every line of r, or the proposals when r is nil.
func readInput(r io.Reader) ([]move, error) {
	if r == nil {
		r = bytes.NewReader(proposals)
	}
	var moves []move
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		m, err := parseMove(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("read input: line %d: %w", number, err)
		}
		moves = append(moves, m)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if len(moves) == 0 {
		return nil, errors.New("read input: it holds no transitions")
	}
	return moves, nil
}

func parseMove(line []byte) (move, error) {
	var m move
	if err := api.Decode(line, &m); err != nil {
		return move{}, err
	}
	if m.Subject == "" || m.To == "" || m.Author == "" || m.Time.IsZero() {
		return move{}, errors.New("time, author, subject and to are needed")
	}
	return m, nil
}

// picks returns which of n nodes the move's author writes to: the author's number mod n, or for a name
// without a number its hash.
func (m move) picks(n int) int {
	digits := m.Author[strings.LastIndexFunc(m.Author, func(r rune) bool { return r < '0' || r > '9' })+1:]
	if number, err := strconv.ParseUint(digits, 10, 63); err == nil {
		return int(number % uint64(n))
	}
	h := fnv.New32a()
	h.Write([]byte(m.Author))
	return int(h.Sum32() % uint32(n))
}

// The headers that keep what a transition has no field for.
const (
	authorHeader = "author"
	fieldHeader  = "field"
)

// sent returns the move as a node takes it.
func (m move) sent() api.Move {
	headers := map[string]string{authorHeader: m.Author}
	if m.Field != "" {
		headers[fieldHeader] = m.Field
	}
	return api.Move{Subject: m.Subject, From: &m.From, To: m.To, Trigger: m.Commit, Time: m.Time, Headers: headers}
}

// split deals the moves out to n nodes, in order.
func split(moves []move, n int) [][]move {
	dealt := make([][]move, n)
	for _, m := range moves {
		i := m.picks(n)
		dealt[i] = append(dealt[i], m)
	}
	return dealt
}

// distinct returns how many different texts of the moves there are.
func distinct(moves []move, text func(move) string) int {
	seen := map[string]bool{}
	for _, m := range moves {
		seen[text(m)] = true
	}
	return len(seen)
}
