package typed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/typed"
)

// System B: decode does not check the kind.
func TestDecodeChecksTheKind(t *testing.T) {
	typ := define(t, paidDeclaration())
	_, err := typ.Decode(entry(crdt.Event{Kind: "order.shipped", Module: "shop", Payload: []byte(`{"order":"o-1"}`)}))
	wantMismatch(t, err, "kind", "order.shipped", "order.paid")
}

func TestDecodeChecksTheModule(t *testing.T) {
	typ := define(t, paidDeclaration())
	for _, module := range []string{"", "bank", "bank/7", "shop/", "/shop", "shopping", "/"} {
		_, err := typ.Decode(entry(crdt.Event{Kind: "order.paid", Module: module, Payload: []byte(`{"order":"o-1"}`)}))
		wantMismatch(t, err, "module", module, "shop")
	}
	_, err := in(t, typ, "7").Decode(entry(crdt.Event{Kind: "order.paid", Module: "shop/8", Payload: []byte(`{"order":"o-1"}`)}))
	wantMismatch(t, err, "module", "shop/8", "shop/7")
	noModule := define(t, typed.Declaration[paid]{Kind: "order.paid"})
	_, err = noModule.Decode(entry(crdt.Event{Kind: "order.paid", Module: "/7", Payload: []byte(`{}`)}))
	wantMismatch(t, err, "module", "/7", "")
}

func TestDecodeChecksTheContentType(t *testing.T) {
	typ := define(t, paidDeclaration())
	e := crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(`{"order":"o-1"}`)}
	for _, same := range []string{"", "application/json", "Application/JSON; charset=utf-8"} {
		e.ContentType = same
		if got, err := typ.Decode(entry(e)); err != nil || got.Value.Order != "o-1" {
			t.Errorf("%q: %+v, %v", same, got.Value, err)
		}
	}
	e.ContentType = "text/plain"
	_, err := typ.Decode(entry(e))
	wantMismatch(t, err, "content type", "text/plain", "application/json")
}

func wantMismatch(t *testing.T, err error, what, got, want string) {
	t.Helper()
	mismatch, ok := errors.AsType[*typed.MismatchError](err)
	if !ok {
		t.Fatalf("got %v, want a MismatchError", err)
	}
	if diff := cmp.Diff(&typed.MismatchError{Place: entry(crdt.Event{}).Place(), What: what, Got: got, Want: want}, mismatch); diff != "" {
		t.Error(diff)
	}
}

// System B: a bad payload silently becomes null.
func TestABadPayloadIsAnErrorWithItsPlace(t *testing.T) {
	typ := define(t, paidDeclaration())
	strict := paidDeclaration()
	strict.Codec = typed.JSON[paid]{Strict: true}
	for _, payload := range []string{
		"", " ", "null", " null\n", "nul", `{"order":"o-1"`, `{"order":"o-1"}{}`, `{"order":"o-1"} x`, `{"order":17}`, `{"order":"o-1","cents":"9"}`,
		`{"order":"o-1","cents":1e99}`, `{"order":"o` + "\xff" + `"}`, `[]`, `"o-1"`, `{}`, `{"order":null}`, strings.Repeat("[", crdt.MaxPayload),
		`{"order":"o-1","cents":` + strings.Repeat("9", 100_000) + `}`,
	} {
		for _, typ := range []*typed.Type[paid]{typ, define(t, strict)} {
			e := entry(crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(payload)})
			got, err := typ.Decode(e)
			bad, ok := errors.AsType[*typed.DecodeError](err)
			if !ok {
				t.Errorf("%.40q: got %+v, %v", payload, got.Value, err)
				continue
			}
			if bad.Place != e.Place() || bad.Kind != "order.paid" || bad.Module != "shop" || bad.Version != 1 || !strings.Contains(err.Error(), e.Place().String()) {
				t.Errorf("%.40q: %+v", payload, bad)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("%.40q: an error of %d bytes", payload, len(err.Error()))
			}
			if got.Value != (paid{}) || string(got.Payload) != payload {
				t.Errorf("%.40q: beside the error: %+v", payload, got)
			}
		}
	}
}

func TestFieldsThatATypeDoesNotHaveAreLeftAloneUnlessStrict(t *testing.T) {
	d := paidDeclaration()
	e := entry(crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(`{"order":"o-1","tip":20}`)})
	got, err := define(t, d).Decode(e)
	if err != nil || got.Value.Order != "o-1" || !strings.Contains(string(got.Payload), "tip") {
		t.Errorf("%+v, %v", got, err)
	}
	d.Codec = typed.JSON[paid]{Strict: true}
	if _, err := define(t, d).Decode(e); err == nil || !strings.Contains(err.Error(), "tip") {
		t.Errorf("strict: %v", err)
	}
}

func TestJSONReturnsNoHalfValueBesideAnError(t *testing.T) {
	if v, err := (typed.JSON[paid]{}).Decode([]byte(`{"order":"o-1","cents":"x"}`)); err == nil || v != (paid{}) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestJSONRefusesWhatItWouldChange(t *testing.T) {
	type texts struct {
		Text string
		Map  map[string]int
		Raw  json.RawMessage
	}
	for _, c := range []struct {
		v  texts
		ok bool
	}{
		{texts{Text: "\ufffd is a character"}, true},
		{texts{Text: `\ufffd is six`}, true},
		{texts{Text: `\\ufffd`}, true},
		{texts{Text: "\xff"}, false},
		{texts{Text: `\ufffd` + "\\\xc3"}, false},
		{texts{Map: map[string]int{"\xc3(": 1}}, false},
	} {
		payload, err := typed.JSON[texts]{}.Encode(c.v)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %s, %v", c.v, payload, err)
		}
	}
	if b, err := (typed.JSON[*paid]{}).Encode(nil); err == nil {
		t.Errorf("nil is %s", b)
	}
	if b, err := (typed.JSON[[]int]{}).Encode(nil); err == nil {
		t.Errorf("nil is %s", b)
	}
}

// textCodec writes the order of a payment, and nothing else.
type textCodec struct{}

func (textCodec) ContentType() string           { return "text/plain; charset=utf-8" }
func (textCodec) Encode(p paid) ([]byte, error) { return []byte(p.Order), nil }
func (textCodec) Decode(b []byte) (paid, error) { return paid{Order: string(b)}, nil }

func TestACodecOfTheProgramsOwn(t *testing.T) {
	d := paidDeclaration()
	d.Codec = textCodec{}
	typ := define(t, d)
	e, err := typ.Event(paid{Order: "o-1"})
	if err != nil || e.ContentType != "text/plain; charset=utf-8" || string(e.Payload) != "o-1" {
		t.Fatalf("%+v, %v", e, err)
	}
	if got, err := typ.Decode(entry(e)); err != nil || got.Value.Order != "o-1" {
		t.Errorf("%+v, %v", got, err)
	}
	e.ContentType = ""
	_, err = typ.Decode(entry(e))
	wantMismatch(t, err, "content type", "application/json", "text/plain")
}

// anything has a field of each sort that JSON has a form for.
type anything struct {
	Text   string
	Number int64
	Size   uint64
	Float  float64
	Yes    bool
	Bytes  []byte
	List   []string
	Map    map[string]int
	Inner  *anything
}

func anyValue(depth int) *rapid.Generator[anything] {
	return rapid.Custom(func(t *rapid.T) anything {
		v := anything{
			Text: rapid.String().Draw(t, "text"), Number: rapid.Int64().Draw(t, "number"), Size: rapid.Uint64().Draw(t, "size"),
			Float: rapid.Float64().Draw(t, "float"), Yes: rapid.Bool().Draw(t, "yes"), Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
			List: rapid.SliceOf(rapid.String()).Draw(t, "list"), Map: rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "map"),
		}
		if depth > 0 && rapid.Bool().Draw(t, "has inner") {
			inner := anyValue(depth-1).Draw(t, "inner")
			v.Inner = &inner
		}
		return v
	})
}

func TestAnyValueSurvivesTheRoundTrip(t *testing.T) {
	typ := define(t, typed.Declaration[anything]{Kind: "anything"})
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(2).Draw(t, "value")
		e, err := typ.Event(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		got, err := typ.Decode(entry(e))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got.Value); diff != "" {
			t.Fatal(diff)
		}
		again, err := typ.Event(got.Value)
		if err != nil || string(again.Payload) != string(e.Payload) {
			t.Fatalf("other bytes: %s, then %s (%v)", e.Payload, again.Payload, err)
		}
	})
}

// FuzzDecode holds that no entry crashes a decode, and that it gives a value or one of three errors.
func FuzzDecode(f *testing.F) {
	for _, payload := range []string{"", "null", `{"amount":3}`, `{"cents":1}`, `{"order":"o"}`, "\xff", `[[[[`} {
		for _, v := range []string{"", "1", "2", "3", "4", "01", "-1", "99999999999999999999"} {
			f.Add("order.paid", "shop/7", "", v, []byte(payload))
		}
	}
	f.Add("x", "/", "text/plain;", "1", []byte("x"))
	typ := define(f, upgradedDeclaration())
	set, err := typed.NewSet(typ, shippedType)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, module, contentType, v string, payload []byte) {
		e := entry(crdt.Event{Kind: kind, Module: module, ContentType: contentType, Subject: "o-9", Headers: version(v), Payload: payload})
		got, err := typ.Decode(e)
		_, mismatch := errors.AsType[*typed.MismatchError](err)
		_, newer := errors.AsType[*typed.VersionError](err)
		_, bad := errors.AsType[*typed.DecodeError](err)
		switch {
		case err == nil && got.Value.Order == "":
			t.Error("a value that Check refuses was returned without an error")
		case err != nil && !mismatch && !newer && !bad:
			t.Errorf("an error of type %T: %v", err, err)
		case err == nil:
			if _, err := typ.Event(got.Value); err != nil {
				t.Errorf("what was decoded cannot be encoded: %v", err)
			}
		}
		if got, err2 := set.Decode(e); (err2 == nil) != (err == nil) && kind != shippedType.Kind() {
			t.Errorf("type: %v; set: %v", err, err2)
		} else if err2 == nil && got.Value == nil {
			t.Error("no value and no error")
		}
		_ = fmt.Sprint(err)
	})
}
