package folder

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quipulog/quipu/crdt/bom"
)

// secretSize is the length of a cluster secret in bytes; its file holds twice as many hex digits.
const secretSize = 32

// ReadSecret reads a cluster secret: a file of 64 hex digits, with white space around them or not.
// Errors never show what the file holds.
func ReadSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, 4<<10))
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if b, err = bom.Strip(b); err != nil {
		return nil, fmt.Errorf("read secret: %s: %w", path, err)
	}
	text := strings.TrimSpace(string(b))
	secret, err := hex.DecodeString(text)
	if err != nil || len(secret) != secretSize {
		return nil, fmt.Errorf("read secret: %s: expected %d hex digits, got %d characters (openssl rand -hex %d makes one)",
			path, 2*secretSize, len(text), secretSize)
	}
	return secret, nil
}
