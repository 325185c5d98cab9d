package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/quipulog/quipu/node/api"
)

const (
	secretPrefix = api.TokenPrefix
	// secretSize is how many random bytes a secret has, sumSize how many bytes stand behind them for their sum.
	secretSize = 32
	sumSize    = 4
)

// ErrRefused is wrapped by the errors of [Store.Check] and [Store.CheckTicket] for what proves nothing here. They show
// nothing of it.
var ErrRefused = errors.New("no access")

// text is how bytes are written in secrets and tickets: a word that is marked by a double click.
var text = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hash is what is kept of a secret.
type hash [sha256.Size]byte

// hashOf returns the hash of a secret's random bytes.
func hashOf(random []byte) hash {
	return sha256.Sum256(append([]byte("quipu/token/v1\x00"), random...))
}

// sumOf returns what tells a secret that was mistyped from one that is not known.
func sumOf(random []byte) []byte {
	sum := sha256.Sum256(append([]byte("quipu/token-sum/v1\x00"), random...))
	return sum[:sumSize]
}

// newSecret makes a secret.
func newSecret() (secret string, kept hash) {
	random := make([]byte, secretSize)
	_, _ = rand.Read(random) // which never fails
	return secretPrefix + text.EncodeToString(append(random, sumOf(random)...)), hashOf(random)
}

// parseSecret returns the hash of a secret.
func parseSecret(secret string) (hash, error) {
	most := len(secretPrefix) + text.EncodedLen(secretSize+sumSize)
	body, known := strings.CutPrefix(secret, secretPrefix)
	if !known || len(secret) != most {
		return hash{}, fmt.Errorf("%w: what was shown is no token: expected %s and %d letters and digits, got %d bytes",
			ErrRefused, secretPrefix, most-len(secretPrefix), len(secret))
	}
	b, err := text.DecodeString(body)
	if err != nil || len(b) != secretSize+sumSize || !bytes.Equal(sumOf(b[:secretSize]), b[secretSize:]) {
		return hash{}, fmt.Errorf("%w: the token is mistyped: its last characters do not fit those before", ErrRefused)
	}
	return hashOf(b[:secretSize]), nil
}
