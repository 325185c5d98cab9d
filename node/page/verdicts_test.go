package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/gossip/vectortest"
	"github.com/quipulog/quipu/node/api"
)

// verdicts is what this program makes of changed bytes. The page, which is another program in another language,
// is held against it by src/verify/verdicts.test.ts: what holds here holds there, and what does not does not.
type verdicts struct {
	About   string            `json:"about"`
	Flips   []byte            `json:"flips"` // what a byte is changed with, by exclusive or, one after the other
	Ops     []opVerdicts      `json:"ops"`
	Proof   proofVerdicts     `json:"proof"`
	Bundles []bundleVerdicts  `json:"bundles"`
	Packed  []packedVerdicts  `json:"packed"`
	Kinds   map[string]string `json:"kinds"` // what the letters stand for
}

// opVerdicts has a letter for each byte of the op and each flip: o it verifies, f another form, v another
// version, r refused for another reason.
type opVerdicts struct {
	Op      string `json:"op"`
	Letters string `json:"letters"`
}

// proofVerdicts has a letter for each byte of the JSON and each flip: o it holds, x it does not.
type proofVerdicts struct {
	JSON    string `json:"json"`
	Letters string `json:"letters"`
}

// bundleVerdicts has for bytes of the bundle, each changed in one bit, the index of a summary, and the same
// for the bundle cut off before it.
type bundleVerdicts struct {
	Bundle    string   `json:"bundle"`
	Summaries []string `json:"summaries"`
	Step      int      `json:"step"` // every so many bytes
	Changed   string   `json:"changed"`
	Cut       string   `json:"cut"`
}

// packedVerdicts is a zstd frame, and what each of its first bytes, changed in one bit, makes of what is unpacked: the
// first 8 digits of its SHA-256, or nothing where the frame is refused.
type packedVerdicts struct {
	Frame   string `json:"frame"` // base64
	Size    int    `json:"size"`
	Sum     string `json:"sum"`
	Changed string `json:"changed"`
}

const verdictsFile = "src/verify/testdata/verdicts.json"

// TestVerdicts holds the file against what this program makes of the same bytes now; with -update it writes the
// file anew.
func TestVerdicts(t *testing.T) {
	file := verdicts{
		About: "What the node's own program makes of changed bytes, for the page to make the same of. Written by go test ./node/page -run Verdicts -update.",
		Flips: []byte{0x01, 0x20, 0x80},
		Kinds: map[string]string{"o": "holds", "x": "does not", "f": "another form", "v": "another version", "r": "refused for another reason"},
	}
	var ops struct{ Ops []struct{ Op string } }
	var proofs struct {
		Entries []struct{ Proof json.RawMessage }
	}
	var bundles struct{ Bundles []struct{ Bundle string } }
	vectortest.Read(t, "ops.json", &ops)
	vectortest.Read(t, "proofs.json", &proofs)
	vectortest.Read(t, "bundle.json", &bundles)
	for _, v := range ops.Ops[:3] { // the fourth has a payload of 64 KiB
		file.Ops = append(file.Ops, opVerdicts{Op: v.Op, Letters: letters(unhex(t, v.Op), file.Flips, opVerdict)})
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, proofs.Entries[0].Proof); err != nil {
		t.Fatal(err)
	}
	file.Proof = proofVerdicts{JSON: compact.String(), Letters: letters(compact.Bytes(), file.Flips, proofVerdict)}
	for _, v := range bundles.Bundles[:3] {
		file.Bundles = append(file.Bundles, changedBundle(t, v.Bundle))
	}
	file.Packed = packed(t)
	checkFile(t, file)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// letters returns the verdict on b with each byte changed by each flip.
func letters(b, flips []byte, verdict func([]byte) byte) string {
	var all strings.Builder
	for i := range b {
		for _, flip := range flips {
			changed := bytes.Clone(b)
			changed[i] ^= flip
			all.WriteByte(verdict(changed))
		}
	}
	return all.String()
}

func opVerdict(b []byte) byte {
	op, err := crdt.ParseOp(b)
	switch {
	case err != nil && strings.Contains(err.Error(), "format version"):
		return 'v'
	case err != nil:
		return 'f'
	}
	if n, _ := (crdt.Run{Ops: []crdt.Op{op}}).Verify(op.Log); n == 1 {
		return 'o'
	}
	return 'r'
}

func proofVerdict(b []byte) byte {
	var p crdt.EntryProof
	if err := api.Decode(b, &p); err != nil {
		return 'x'
	}
	if _, err := p.Verify(); err != nil {
		return 'x'
	}
	return 'o'
}

func changedBundle(t *testing.T, digits string) bundleVerdicts {
	t.Helper()
	b := unhex(t, digits)
	v := bundleVerdicts{Bundle: digits, Step: 1 + len(b)/1500}
	index := map[string]int{}
	sum := func(b []byte) int {
		s := summary(t, b)
		i, known := index[s]
		if !known {
			i = len(index)
			index[s] = i
			v.Summaries = append(v.Summaries, s)
		}
		return i
	}
	for i := 0; i < len(b); i += v.Step {
		changed := bytes.Clone(b)
		changed[i] ^= 1 << (i % 8)
		v.Changed += fmt.Sprintf("%d ", sum(changed))
		v.Cut += fmt.Sprintf("%d ", sum(b[:i]))
	}
	return v
}

// summary says in a line what a bundle has: whether it is whole, and of each feed from where to where, how many ops and entries,
// whether it is loose and whether something is wrong with it.
func summary(t *testing.T, b []byte) string {
	t.Helper()
	c, err := bundle.Inspect(t.Context(), bytes.NewReader(b), nil)
	if err != nil {
		return "not a bundle"
	}
	s := fmt.Sprintf("whole=%t damaged=%t skipped=%d since=%d upto=%d ops=%d entries=%d", c.Whole, c.Damage != "", c.Skipped, c.Since, c.Upto, c.Ops, c.Entries)
	for _, f := range c.Feeds {
		s += fmt.Sprintf(" %s:%d-%d,%d,%d,%t,%t", f.Author, f.From, f.Next, f.Ops, f.Entries, f.Loose, f.Problem != "")
	}
	return s
}

// packed returns the verdicts on the frames of the file. They are not compared with what is packed now: a later
// compressor may find other bytes for the same.
func packed(t *testing.T) (all []packedVerdicts) {
	t.Helper()
	if vectortest.Updating() {
		return packedFrames(t)
	}
	var file verdicts
	text, err := os.ReadFile(verdictsFile)
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Packed {
		frame, err := base64.StdEncoding.DecodeString(v.Frame)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, changedFrame(t, frame, v.Size))
	}
	return all
}

// packedFrames makes frames that use what zstd has: literals as they are, one repeated, with tables of their own
// and those of the block before, sequences with tables of each mode, offsets that repeat.
func packedFrames(t *testing.T) (all []packedVerdicts) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("order paid shipped cancelled courier müller cord knot quipu runner 17 1250 cents subject")
	var text, numbers, noise bytes.Buffer
	for text.Len() < 20_000 {
		text.WriteString(words[int(random.ExpFloat64()*3)%len(words)])
		text.WriteByte(" \n,"[random.IntN(3)])
	}
	for i := range 500 {
		fmt.Fprintf(&numbers, `{"n":%d,"at":%d,"ok":%t}`, i, random.IntN(1<<20), random.IntN(9) > 0)
	}
	for range 6000 {
		noise.WriteByte(byte(random.NormFloat64() * 9))
	}
	long := bytes.Repeat(text.Bytes(), 16) // more than two blocks
	for i := range 40 {
		copy(long[8001*i:], numbers.Bytes()[300*i%9000:][:200])
	}
	for i, plain := range [][]byte{
		bytes.Repeat([]byte{7}, 5000), noise.Bytes()[:500], text.Bytes()[:2000], text.Bytes(), numbers.Bytes(), noise.Bytes(), long,
	} {
		for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedBestCompression} {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(i%2 == 0), zstd.WithSingleSegment(i%3 == 0), zstd.WithEncoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, changedFrame(t, e.EncodeAll(plain, nil), len(plain)))
		}
	}
	return all
}

func changedFrame(t *testing.T, frame []byte, size int) packedVerdicts {
	t.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(8<<20), zstd.IgnoreChecksum(true))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sum := func(b []byte) string {
		var h zstd.Header
		if h.Decode(b) != nil || !h.HasFCS || h.FrameContentSize != uint64(size) {
			return ""
		}
		plain, err := d.DecodeAll(b, make([]byte, 0, size))
		if err != nil || len(plain) != size {
			return ""
		}
		s := sha256.Sum256(plain)
		return hex.EncodeToString(s[:4])
	}
	v := packedVerdicts{Frame: base64.StdEncoding.EncodeToString(frame), Size: size, Sum: sum(frame)}
	if v.Sum == "" {
		t.Fatal("a frame that was just made does not unpack")
	}
	for i := 0; i < min(len(frame), 300); i++ {
		changed := bytes.Clone(frame)
		changed[i] ^= 1 << (i % 8)
		v.Changed += sum(changed) + " "
	}
	return v
}

func checkFile(t *testing.T, file verdicts) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetIndent("", " ")
	if err := enc.Encode(file); err != nil {
		t.Fatal(err)
	}
	if vectortest.Updating() {
		if err := os.MkdirAll(filepath.Dir(verdictsFile), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(verdictsFile, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(verdictsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the file is not what this program makes of its bytes (-file +got):\n%s", diff)
	}
}
