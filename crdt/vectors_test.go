package crdt

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

// rfc8032 holds the first three test vectors of RFC 8032, section 7.1. Their keys are the authors of
// the tests in this package.
var rfc8032 = []struct{ seed, public, message, signature string }{
	{
		seed:      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		public:    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
	}, {
		seed:      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		public:    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		message:   "72",
		signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
	}, {
		seed:      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		public:    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		message:   "af82",
		signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
	},
}

// speccheck holds the twelve vectors of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs"
// (SSR 2020, table 5; github.com/novifinancial/ed25519-speccheck), each with what quipu makes of it:
// a key that is not canonical or of small order is refused whatever the signature says, and then
// the equation without cofactor decides, over a canonical R and a scalar below the group's order.
var speccheck = []struct {
	about, message, public, signature string

	usable   bool // the key is one that quipu accepts
	verifies bool // crypto/ed25519 accepts the signature
}{
	{"small A and R, S = 0", "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000", false, true},
	{"small A", "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04", false, true},
	{"small R", "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab", "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e", true, true},
	{"mixed A and R, both equations hold", "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79", "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d", "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009", true, true},
	{"mixed A and R, only the equation with cofactor holds", "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c", "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d", "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09", true, false},
	{"mixed A, only the equation with cofactor holds", "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c", "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d", "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405", true, false},
	{"S above the order", "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40", "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623", "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514", true, false},
	{"S far above the order", "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40", "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623", "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22", true, false},
	{"R not canonical, reduced for the hash", "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41", "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f", true, false},
	{"R not canonical, as it is in the hash", "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41", "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908", true, false},
	{"A not canonical, reduced for the hash", "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04", false, false},
	{"A not canonical, as it is in the hash", "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04", false, true},
}

// smallOrder holds every encoding of the eight points of small order: eight canonical ones and six
// that are not (ibid., section 2 and table 1).
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"0000000000000000000000000000000000000000000000000000000000000080", // order 4
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // order 8

	"0100000000000000000000000000000000000000000000000000000000000080", // order 1, minus zero
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 2, minus zero
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 4, y = p
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 4, y = p
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 1, y = p + 1
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 1, y = p + 1, minus zero
}

// rfcKey returns the private key of vector i.
func rfcKey(i int) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(unhex(rfc8032[i].seed)) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// vectorLog is the log of the tests, vectorTime their present.
var (
	vectorLog  = Genesis{Random: [32]byte{1, 2, 3}}.Log()
	vectorTime = time.Date(2024, 5, 1, 12, 0, 0, 123456789, time.UTC)
)

// sealed returns an op of vectorLog by key i that begins its feed.
func sealed(t testing.TB, i int, events ...Event) Op {
	t.Helper()
	return sealedAfter(t, i, Signed{}, events...)
}

// sealedAfter returns the op after prev; prev may be the zero Signed.
func sealedAfter(t testing.TB, i int, prev Signed, events ...Event) Op {
	t.Helper()
	h := Header{Log: vectorLog, Clock: max(ClockAt(vectorTime), prev.Clock) + 1, Floor: prev.Floor}
	if len(prev.raw) > 0 {
		h.First, h.Prev = prev.Next(), prev.ID
	}
	op, err := NewOp(rfcKey(i), h, vectorTime, events...)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// forgedHeader returns an op's header and signature with the author and signature that are given.
func forgedHeader(t *testing.T, op Op, author Author, signature []byte) Signed {
	t.Helper()
	h := op.Header
	h.Author = author
	signed, err := ParseSigned(append(h.append(nil), signature...))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestRFC8032(t *testing.T) {
	for i, v := range rfc8032 {
		key := rfcKey(i)
		a, err := ParseAuthor(v.public)
		if err != nil || AuthorOf(key) != a {
			t.Errorf("vector %d: author %s, %v: want %s", i, AuthorOf(key), err, v.public)
		}
		if got := hex.EncodeToString(ed25519.Sign(key, unhex(v.message))); got != v.signature {
			t.Errorf("vector %d: signature %s: signing is not deterministic as in RFC 8032", i, got)
		}
	}
}

func TestSpeccheck(t *testing.T) {
	for _, v := range speccheck {
		t.Run(v.about, func(t *testing.T) {
			_, err := ParseAuthor(v.public)
			if v.usable != (err == nil) || err != nil && !errors.Is(err, ErrAuthor) {
				t.Errorf("ParseAuthor: %v, want usable %t", err, v.usable)
			}
			if got := ed25519.Verify(unhex(v.public), unhex(v.message), unhex(v.signature)); got != v.verifies {
				t.Errorf("crypto/ed25519 says %t, want %t: its verdicts are part of the format", got, v.verifies)
			}
		})
	}
}

// The point of order 1 with the signature (R = itself, S = 0) satisfies the equation for every
// message, so whoever takes it as a key takes words from everybody.
func TestKeyThatVerifiesEverything(t *testing.T) {
	author := Author(unhex(smallOrder[0]))
	signature := append(unhex(smallOrder[0]), make([]byte, 32)...)
	op := sealed(t, 0, Event{Kind: "a"})
	forged := forgedHeader(t, op, author, signature)
	for _, message := range []string{"", "anything", opContext} {
		if !ed25519.Verify(author[:], []byte(message), signature) {
			t.Fatalf("the signature does not verify %q: this test shows nothing", message)
		}
	}
	if err := forged.verify(); err != nil {
		t.Fatalf("the forged op does not verify even without a look at the key: %v", err)
	}
	if err := forged.Verify(); !errors.Is(err, ErrAuthor) {
		t.Errorf("Signed.Verify: %v, want ErrAuthor", err)
	}
	whole, err := ParseOp(append(forged.Bytes(), op.body()...))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := (Run{Ops: []Op{whole}}).Verify(vectorLog); n != 0 || !errors.Is(err, ErrAuthor) {
		t.Errorf("Run.Verify: %d ops, %v, want none and ErrAuthor", n, err)
	}
	if err := new(Feed).TakeLeave(forgedFloor(t, op, author, signature)); !errors.Is(err, ErrAuthor) {
		t.Errorf("TakeLeave: %v, want ErrAuthor", err)
	}
	proof := EntryProof{Log: vectorLog, Entry: op.body(), Headers: []Signed{forged}}
	if _, err := proof.Verify(); !errors.Is(err, ErrAuthor) {
		t.Errorf("EntryProof.Verify: %v, want ErrAuthor", err)
	}
}

// forgedFloor is forgedHeader with a floor of 1.
func forgedFloor(t *testing.T, op Op, author Author, signature []byte) Signed {
	op.First, op.Floor, op.Prev = 1, 1, op.ID
	return forgedHeader(t, op, author, signature)
}

func TestSignatureMalleability(t *testing.T) {
	op := sealed(t, 0, Event{Kind: "a"})
	if err := op.Verify(); err != nil {
		t.Fatal(err)
	}
	raw := append([]byte(nil), op.Signed.Bytes()...)
	addOrder(raw[len(raw)-32:])
	moved, err := ParseSigned(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.Verify(); !errors.Is(err, ErrSignature) {
		t.Errorf("S + L: %v, want ErrSignature", err)
	}
}

// addOrder adds the group's order L to a scalar S, little-endian: S + L is the other scalar that
// satisfies the equation, and RFC 8032, section 5.1.7, refuses it.
func addOrder(scalar []byte) {
	order, carry := unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"), 0
	for i := range scalar {
		sum := int(scalar[i]) + int(order[i]) + carry
		scalar[i], carry = byte(sum), sum>>8
	}
}

func signWith(key ed25519.PrivateKey, context string, message []byte) []byte {
	return ed25519.Sign(key, append([]byte(context), message...))
}
