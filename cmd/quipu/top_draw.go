package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// lines returns what the screen shows: no more lines than it has, none wider than it is. All that others have named is
// printable, so that a terminal acts upon none of it.
func (s *topScreen) lines() []string {
	if s.width < 1 || s.height < 1 {
		return nil // nobody has said yet
	}
	head, body := s.head(), s.body()
	room := max(0, s.height-len(head))
	s.offset = max(0, min(s.offset, len(body)-room))
	shown := body[s.offset:min(len(body), s.offset+room)]
	all := slices.Concat(head, shown)
	all = all[:min(len(all), s.height)]
	for i, line := range all {
		all[i] = fitCell(line, s.width, cutEnd)
		if i == 0 || isHead(line) {
			all[i] = "\x1b[1m" + all[i] + "\x1b[m"
		}
	}
	return all
}

// isHead reports whether a line is the head of a table.
func isHead(line string) bool { return strings.HasPrefix(line, "NAME ") }

// head says who the node is, and whether it answers.
func (s *topScreen) head() []string {
	if s.last == nil {
		text := "quipu top: asking " + printable(s.dir)
		if s.failed != nil {
			text += ": " + printable(s.failed.Error()) + "; waiting for it"
		}
		return []string{text}
	}
	st := &s.last.status
	lines := []string{fmt.Sprintf("%s  %s  quipu %s  %s", printable(nameOr(st.Name, st.Author)), st.Author.Short(), printable(st.Version), s.last.at.Format(time.TimeOnly))}
	if s.failed != nil {
		lines = append(lines, fmt.Sprintf("NO ANSWER since %s: %s", s.since.Format(time.TimeOnly), printable(s.failed.Error())))
	}
	lines = append(lines,
		fmt.Sprintf("entries %d  %s/s  by %s  file %s", st.Entries, s.rate(func(l *topLook) uint64 { return l.status.Entries }), count(uint64(st.Authors), "author"), size(st.Bytes)),
		fmt.Sprintf("members %d alive, %d linked  caught up %s", st.Members, st.Linked, caughtUpLine(*st)),
	)
	if u := st.Unreplicated; u != nil && u.String() != "" {
		lines = append(lines, u.String())
	}
	for _, c := range st.Conditions {
		lines = append(lines, "! "+printable(c.Condition+": "+c.Why))
	}
	return append(lines, "")
}

// body are the tables.
func (s *topScreen) body() []string {
	if s.last == nil {
		return nil
	}
	var b strings.Builder
	members := newTableIn(&b, s.width, []column{
		{head: "NAME", width: 12, fit: cutMiddle}, {head: "STATE", width: 7}, {head: "LINK"}, {head: "WE LACK"}, {head: "IT LACKS"}, {head: "RATE", width: 6},
		{head: "RTT", width: 6}, {head: "CLOCK", width: 6}, {head: "CONDITIONS", fit: cutEnd, optional: true},
	})
	for _, m := range s.last.members {
		_ = members.row(s.memberRow(m)...) // a builder takes everything
	}
	_ = members.end()
	if len(s.last.followers) > 0 {
		b.WriteString("\n")
		followers := newTableIn(&b, s.width, []column{
			{head: "NAME", width: 12, fit: cutMiddle}, {head: "FOLLOWER", width: 8}, {head: "LAG", width: 8}, {head: "LAG TIME"}, {head: "RATE", width: 6}, {head: "PARKED"},
		})
		for _, f := range s.last.followers {
			_ = followers.row(f.Name, followerState(f), strconv.FormatUint(f.Lag, 10), lagTime(f),
				s.rate(func(l *topLook) uint64 { return l.handled(f.Name) }), strconv.FormatUint(f.Parked, 10))
		}
		_ = followers.end()
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// memberRow is the row of a member.
func (s *topScreen) memberRow(m api.Member) []string {
	ours, theirs, clock := differences(m)
	rate := s.rate(func(l *topLook) uint64 { return l.written(m.Author) })
	return []string{nameOr(m.Name, m.Author), m.State, linkedText(m), ours, theirs, rate, rttText(m), clock, strings.Join(m.Conditions, ", ")}
}

// nameOr returns what a node calls itself, or the first digits of its author.
func nameOr(name string, a crdt.Author) string {
	if name == "" {
		return a.Short()
	}
	return name
}

// rateText returns so many a second in few digits.
func rateText(r float64) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return strconv.FormatFloat(r, 'f', 0, 64)
}
