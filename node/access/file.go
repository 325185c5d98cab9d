package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/folder"
)

// fileVersion is the version of tokens.json that is written and read.
const fileVersion = 1

// file is tokens.json.
type file struct {
	Version int      `json:"version"`
	Tokens  []record `json:"tokens"`
	// Sum is over the tokens: who changes one by hand, and what a disk does to one, is noticed.
	Sum string `json:"sum"`
}

// record is a token as the file has it.
type record struct {
	api.Token
	Hash string `json:"hash"`
}

// sumOfRecords returns what a file of these tokens has as its sum.
func sumOfRecords(records []record) (string, error) {
	b, err := json.Marshal(records)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte("quipu/tokens/v1\x00"), b...))
	return hex.EncodeToString(sum[:]), nil
}

// encode returns the content of tokens.json for some tokens.
func encode(tokens []*held) ([]byte, error) {
	records := make([]record, len(tokens))
	for i, t := range tokens {
		records[i] = record{t.token, hex.EncodeToString(t.grant.hash[:])}
	}
	sum, err := sumOfRecords(records)
	if err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(file{fileVersion, records, sum}, "", "  ")
	if err == nil && len(b) >= folder.MaxTokens {
		err = fmt.Errorf("%w: the file of the tokens would have %d bytes, at most %d are allowed", ErrToken, len(b), folder.MaxTokens)
	}
	return append(b, '\n'), err
}

// decode reads the content of tokens.json. What it returns instead says what that is which is not what was written.
func decode(b []byte) (tokens []*held, wrong string) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Sprintf("cannot be read (%v)", err)
	}
	if version.Version != fileVersion {
		return nil, fmt.Sprintf("has version %d, and this quipu reads %d alone", version.Version, fileVersion)
	}
	var read file
	known := json.NewDecoder(bytes.NewReader(b))
	known.DisallowUnknownFields()
	if err := known.Decode(&read); err != nil {
		return nil, fmt.Sprintf("cannot be read (%v)", err)
	}
	sum, err := sumOfRecords(read.Tokens)
	if err != nil || sum != read.Sum {
		return nil, "was changed by hand or is damaged"
	}
	names := make(map[string]bool, len(read.Tokens))
	for _, r := range read.Tokens {
		h, err := hex.DecodeString(r.Hash)
		if check(r.Token) != nil || err != nil || len(h) != len(hash{}) || names[r.Name] {
			return nil, fmt.Sprintf("holds a token %.80q that quipu does not make", r.Name)
		}
		names[r.Name] = true
		tokens = append(tokens, newHeld(r.Token, hash(h)))
	}
	return tokens, ""
}
