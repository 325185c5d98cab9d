package ids

import (
	"encoding/binary"
	"hash"
	"strconv"
	"strings"
)

// key is what a row is found by: of an id that ends in a number, as those do that are given one after the other, a hash of
// what comes before it (14 bytes) ‖ the number (6), so that their rows stand together; of any other its hash.
type key [20]byte

const (
	stemSize = 14
	// maxDigits bounds a number that fits a key, in digits.
	maxDigits = 14
)

// keyOf returns the key of an id.
func keyOf(h hash.Hash, scope, id string) (k key) {
	stem := strings.TrimRight(id, "0123456789")
	number, err := strconv.ParseUint(id[len(stem):], 10, 64)
	if digits := len(id) - len(stem); err != nil || digits > maxDigits || digits > 1 && id[len(stem)] == '0' {
		write(h, scope, id)
		copy(k[:], h.Sum(nil))
		return k
	}
	write(h, scope, stem, "") // which no id is without a number
	copy(k[:stemSize], h.Sum(nil))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], number)
	copy(k[stemSize:], b[2:])
	return k
}
