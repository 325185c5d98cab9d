package main

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// topAuthors bounds the authors whose heads are asked for, to know who writes how much: with more, nobody's rate is shown.
const topAuthors = 1000

// topLook is what a node has said at a moment.
type topLook struct {
	at        time.Time
	err       error // why it has not
	status    api.Status
	members   []api.Member
	followers []api.Follower
	frontier  api.Frontier
}

// written returns how many entries an author has written, as far as they are here.
func (l *topLook) written(a crdt.Author) (n uint64) {
	for _, f := range l.frontier.Authors {
		if f.Author == a {
			for _, h := range f.Heads {
				n = max(n, h.Next)
			}
		}
	}
	return n
}

// handled returns how many entries a follower has handled.
func (l *topLook) handled(name string) (n uint64) {
	for _, f := range l.followers {
		if f.Name == name {
			n = f.Handled
		}
	}
	return n
}

// topScreen is what stands on the terminal. The looks come one after another.
type topScreen struct {
	dir           string
	every         time.Duration
	look          tea.Cmd
	width, height int
	offset        int // of the first line that is shown below the head

	last, before *topLook // that the node has answered; nil for none
	failed       error    // why it has not answered since
	since        time.Time
}

func (s *topScreen) Init() tea.Cmd { return s.look }

func (s *topScreen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = msg.Width, msg.Height
	case topLook:
		s.take(&msg)
		return s, tea.Tick(s.every, func(time.Time) tea.Msg { return s.look() })
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "ctrl+c", "esc":
			return s, tea.Quit
		case "ctrl+z":
			return s, tea.Suspend
		case "down", "j":
			s.offset++
		case "up", "k":
			s.offset--
		case "pgdown", "space":
			s.offset += s.height / 2
		case "pgup":
			s.offset -= s.height / 2
		}
	}
	return s, nil
}

// take takes what a look has seen. What was seen before stays where the node did not answer.
func (s *topScreen) take(l *topLook) {
	if l.err != nil {
		if s.failed == nil {
			s.since = l.at
		}
		s.failed = l.err
		return
	}
	if s.failed = nil; s.last == nil || s.last.status.Started.Equal(l.status.Started) {
		s.before = s.last
	} else {
		s.before = nil // another process: its counts begin anew
	}
	s.last = l
}

// View draws on the screen of its own that terminals have for that, so that what stood there before comes back.
func (s *topScreen) View() tea.View {
	v := tea.NewView(strings.Join(s.lines(), "\n"))
	v.AltScreen = true
	return v
}

// rate returns how many there were a second since the look before; not known is "-".
func (s *topScreen) rate(count func(*topLook) uint64) string {
	if s.before == nil || s.failed != nil {
		return "-"
	}
	now, then := count(s.last), count(s.before)
	took := s.last.at.Sub(s.before.at).Seconds()
	if now < then || took <= 0 {
		return "-"
	}
	return rateText(float64(now-then) / took)
}
