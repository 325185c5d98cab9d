package keyform_test

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/keyform"
)

// FuzzParse reads whatever stands in a file, and what stands in a PEM block of each kind. No bytes make it panic
// or think for long, what it opens is a whole key, and no error has a line of the file in it. What is sealed is
// not opened: no fuzzer guesses a passphrase, and what comes out by chance is read as what is not sealed.
func FuzzParse(f *testing.F) {
	for _, text := range files(f) {
		f.Add(text)
		if block, _ := pem.Decode(text); block != nil {
			f.Add(block.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > keyform.MaxFile {
			return
		}
		texts := [][]byte{data}
		for _, kind := range []string{"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"} {
			texts = append(texts, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
		}
		for _, text := range texts {
			private, err := keyform.Parse(text)
			if err == nil && !private.Sealed {
				var key ed25519.PrivateKey
				if key, err = private.Open(nil); err == nil && !key.Equal(ed25519.NewKeyFromSeed(key.Seed())) {
					t.Errorf("a key with another's public half")
				}
			}
			if err == nil {
				continue
			}
			if _, ok := errors.AsType[*keyform.FormError](err); !ok {
				t.Errorf("%T: %v", err, err)
			}
			for line := range strings.Lines(string(text)) {
				if line = strings.TrimSpace(line); len(line) > 60 && strings.Contains(err.Error(), line) {
					t.Errorf("the error shows a line of the file: %v", err)
				}
			}
		}
	})
}
