package folder

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/quipulog/quipu/eventlog/whole"
)

// MaxTokens bounds the file of the tokens, in bytes.
const MaxTokens = 1 << 20

// ticketKey is the name of the file of the key that tickets are made with.
const ticketKey = "tickets.key"

// tokensWays says what can be done about a file of tokens that is not what was written.
const tokensWays = "bring it back as it was; or remove it, start the node anew, which then has no token, and make new ones with quipu token create"

// Tokens returns the path of the file of the tokens.
func (f Folder) Tokens() string { return f.path("tokens.json") }

func (f Folder) tokens() *part {
	return &part{path: f.Tokens(), noun: "file of the tokens", expect: "what quipu token create wrote", ways: tokensWays, most: MaxTokens, private: true}
}

// ReadTokens returns what the file of the tokens holds. It returns [fs.ErrNotExist] where there is none, and [ErrMode]
// for one that others may read or write.
func (f Folder) ReadTokens() ([]byte, error) { return f.tokens().read() }

// SpoiltTokens returns the error of a file of tokens that is not what was written: what says how.
func (f Folder) SpoiltTokens(what string) error { return f.tokens().wrong(what) }

// WriteTokens replaces the file of the tokens, mode 0600. A crash leaves the old one or the new one.
func (f Folder) WriteTokens(b []byte) error { return whole.Write(f.Tokens(), b, 0o600) }

// TicketKey returns the key that the folder's tickets are made with, 32 bytes. Where there is none yet, it is made, mode
// 0600.
func (f Folder) TicketKey() ([]byte, error) {
	file := part{
		path: f.path(ticketKey), noun: "key of the tickets", expect: secretForm,
		ways: "remove it: a new one is made, and the tickets of before are void", most: MaxSecret, private: true,
	}
	b, err := file.read()
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, secretSize)
		_, _ = rand.Read(key) // which never fails
		return key, whole.Write(file.path, []byte(hex.EncodeToString(key)+"\n"), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("read key of the tickets: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != secretSize {
		return nil, fmt.Errorf("read key of the tickets: %w", file.wrong("holds something else"))
	}
	return key, nil
}
