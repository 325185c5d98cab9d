package membership

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// logger returns memberlist's logger. What it has to say is about packets that strangers may have
// sent, in a number that strangers decide, so all of it is at debug level; what matters, the callbacks
// say.
func logger(to *slog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

type lines struct{ to *slog.Logger }

func (l lines) Write(b []byte) (int, error) {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		text := bytes.TrimSpace(b)
		if _, rest, ok := bytes.Cut(text, []byte("memberlist: ")); ok {
			text = rest
		}
		l.to.Debug("memberlist says", "text", string(text))
	}
	return len(b), nil
}
