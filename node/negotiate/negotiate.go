// Package negotiate chooses what an answer is like among what its client takes (RFC 9110, section 12.5).
package negotiate

import (
	"strconv"
	"strings"
)

// Preferred returns the offer that the values of a header such as Accept give the greatest weight; the first of several, or
// of all where each has none.
func Preferred(values []string, offers ...string) string {
	best, most := offers[0], 0.0
	for _, offer := range offers {
		if weight := weigh(values, offer); weight > most {
			best, most = offer, weight
		}
	}
	return best
}

// weigh returns the weight that is given to an offer, from 0 to 1: that of the narrowest range which it is in.
func weigh(values []string, offer string) (weight float64) {
	family, _, _ := strings.Cut(offer, "/")
	narrowest := 0
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, parameters, _ := strings.Cut(part, ";")
		narrow := 0
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case offer:
			narrow = 3
		case family + "/*":
			narrow = 2
		case "*/*", "*":
			narrow = 1
		}
		if narrow > narrowest {
			narrowest, weight = narrow, quality(parameters)
		}
	}
	return weight
}

// quality returns the weight among some parameters, 1 where there is none that can be read.
func quality(parameters string) float64 {
	for part := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if q, err := strconv.ParseFloat(value, 64); strings.EqualFold(name, "q") && err == nil && 0 <= q && q <= 1 {
			return q
		}
	}
	return 1
}
