package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// evil is a name that a terminal would act upon, and that turns what stands behind it.
const evil = "e\x1b[2Jvil\u202e\u009b漢"

// seenTop is a look at a node with so many members and followers, each with a name of a stranger, that hold so many entries.
func seenTop(members int, entries uint64) topLook {
	author := crdt.AuthorOf(eventlogtest.Key("own"))
	l := topLook{at: time.Unix(int64(entries), 0), status: api.Status{
		Running: true, Author: author, Name: evil, Version: evil, Entries: entries, Authors: 1, Behind: &api.Behind{},
		Conditions: []api.Condition{{Condition: "stuck", Why: evil + strings.Repeat(" no room", 30)}},
	}}
	l.frontier.Authors = []api.Feed{{Author: author, Heads: []api.Head{{Next: 3 * entries}}}}
	for i := range members {
		l.members = append(l.members, api.Member{Author: author, Name: fmt.Sprint(evil, i), State: "alive", Linked: true, Conditions: []string{evil}})
		l.followers = append(l.followers, api.Follower{Name: fmt.Sprint(evil, i), Running: true, Lag: 7, Handled: 2 * entries})
	}
	return l
}

// plain returns lines without what makes them bold.
func plain(lines []string) []string {
	return strings.Split(strings.NewReplacer("\x1b[1m", "", "\x1b[m", "").Replace(strings.Join(lines, "\n")), "\n")
}

// TestTopFits: whatever others are called, and however small the terminal is, no line is wider, there are no more of them,
// and nothing in them is acted upon.
func TestTopFits(t *testing.T) {
	for _, members := range []int{0, 1, 3, 100} {
		for _, size := range [][2]int{{80, 24}, {40, 24}, {40, 10}, {20, 5}, {5, 2}, {1, 1}, {200, 60}} {
			s := &topScreen{dir: evil}
			first, last := seenTop(members, 1), seenTop(members, 3)
			for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: size[0], Height: size[1]}, first, last, topLook{err: errors.New(evil)}} {
				s.Update(msg)
				lines := plain(s.lines())
				if len(lines) > size[1] {
					t.Errorf("%d members at %v: %d lines", members, size, len(lines))
				}
				for _, line := range lines {
					if cellWidth(line) > size[0] || printable(line) != line {
						t.Errorf("%d members at %v: a line is %q", members, size, line)
					}
				}
			}
		}
	}
}

// TestTopShows what was seen at 80 columns and 24 lines, and as much as there is room for; what has none is come by with
// the keys. It waits for a node that is gone, and begins its rates anew with the next one.
func TestTopShows(t *testing.T) {
	s := &topScreen{dir: "a"}
	s.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	shows := func(what ...string) {
		t.Helper()
		text := strings.Join(plain(s.lines()), "\n")
		for _, want := range what {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not shown:\n%s", want, text)
			}
		}
	}
	s.Update(topLook{err: errors.New("no daemon answers")})
	shows("asking a: no daemon answers; waiting for it")
	s.Update(seenTop(2, 10))
	shows("entries 10  -/s", `NAME`, "WE LACK", "FOLLOWER", "LAG TIME", "running")
	s.Update(seenTop(2, 14))
	shows("entries 14  1.0/s", "    3.0 ", "    2.0 ", `e\x1b[2Jvil\u202e\u009b漢`, "! stuck: ")
	s.Update(topLook{err: errors.New("gone"), at: time.Unix(20, 0)})
	s.Update(topLook{err: errors.New("gone"), at: time.Unix(30, 0)})
	shows("NO ANSWER since "+time.Unix(20, 0).Format(time.TimeOnly)+": gone", "entries 14  -/s")
	back := seenTop(2, 12)
	back.status.Started = time.Unix(40, 0)
	s.Update(back)
	shows("entries 12  -/s")
	if strings.Contains(strings.Join(s.lines(), "\n"), "NO ANSWER") {
		t.Error("it does not answer")
	}

	s.Update(seenTop(100, 20))
	if strings.Contains(strings.Join(s.lines(), "\n"), "FOLLOWER") {
		t.Fatal("a hundred members fit")
	}
	for range 30 {
		s.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	}
	shows("entries 20", "running", `99`)
	for range 300 {
		s.Update(tea.KeyPressMsg{Code: tea.KeyUp})
	}
	shows("WE LACK")
	if !s.View().AltScreen {
		t.Error("it draws over what stood on the terminal")
	}
}

// TestTopEnds at the keys that end it.
func TestTopEnds(t *testing.T) {
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}, {Code: tea.KeyEscape}} {
		_, cmd := new(topScreen).Update(key)
		if cmd == nil {
			t.Errorf("%s does nothing", key)
		} else if _, quits := cmd().(tea.QuitMsg); !quits {
			t.Errorf("%s does not end it", key)
		}
	}
}
