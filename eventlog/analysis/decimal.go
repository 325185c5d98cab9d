package analysis

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// decimal is coefficient / 10^scale. The zero decimal is 0.
type decimal struct {
	coefficient big.Int
	scale       int // never negative
}

// parseDecimal reads a number as JSON writes it (RFC 8259, section 6), of at most [MaxDigits] digits
// and an exponent of at most that either way.
func parseDecimal(s string) (d decimal, ok bool) {
	if s == "" || s[0] != '-' && !isDigit(s[0]) || !isDigit(s[len(s)-1]) || len(s) > 2*MaxDigits || !json.Valid([]byte(s)) {
		return decimal{}, false
	}
	digits, exponent := s, 0
	if at := strings.IndexAny(digits, "eE"); at >= 0 {
		var err error
		exponent, err = strconv.Atoi(digits[at+1:])
		if err != nil || exponent > MaxDigits || exponent < -MaxDigits {
			return decimal{}, false
		}
		digits = digits[:at]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = whole + fraction
	if len(strings.TrimPrefix(digits, "-")) > MaxDigits {
		return decimal{}, false
	}
	d.scale = len(fraction) - exponent
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		d.coefficient.SetInt64(n)
	} else if _, ok := d.coefficient.SetString(digits, 10); !ok {
		return decimal{}, false
	}
	if d.scale < 0 {
		d.coefficient.Mul(&d.coefficient, tens(-d.scale))
		d.scale = 0
	}
	return d, true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func tens(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// add adds e to d, with as many decimals as the one that has more.
func (d *decimal) add(e *decimal) {
	if d.scale < e.scale {
		d.coefficient.Mul(&d.coefficient, tens(e.scale-d.scale))
		d.scale = e.scale
	}
	if d.scale == e.scale {
		d.coefficient.Add(&d.coefficient, &e.coefficient)
		return
	}
	var raised big.Int
	raised.Mul(&e.coefficient, tens(d.scale-e.scale))
	d.coefficient.Add(&d.coefficient, &raised)
}

// rat returns d as a fraction.
func (d *decimal) rat() *big.Rat { return new(big.Rat).SetFrac(&d.coefficient, tens(d.scale)) }

// String returns d with all its decimals.
func (d *decimal) String() string { return d.rat().FloatString(d.scale) }

// over returns d divided by n, rounded to three decimals more than d has, half away from zero.
func (d *decimal) over(n uint64) string {
	const more = 3
	by := new(big.Rat).SetInt(new(big.Int).SetUint64(n))
	return new(big.Rat).Quo(d.rat(), by).FloatString(d.scale + more)
}
