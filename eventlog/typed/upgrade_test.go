package typed_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

// upgradedDeclaration reads versions 1 and 2 beside its own, the third.
func upgradedDeclaration() typed.Declaration[paid] {
	d := paidDeclaration()
	d.Upgrades = []typed.Upgrade{
		typed.UpgradeValue(1, func(old paidV1) (paidV2, error) {
			if old.Amount < 0 {
				return paidV2{}, errors.New("amount is negative")
			}
			return paidV2{Cents: old.Amount * 100}, nil
		}),
		{From: 2, Payload: func(old crdt.Event) ([]byte, error) {
			rest, ok := bytes.CutPrefix(old.Payload, []byte("{"))
			if !ok {
				return nil, errors.New("expected an object")
			}
			return fmt.Appendf(nil, `{"order":%q,"currency":"EUR",%s`, old.Subject, rest), nil
		}},
	}
	return d
}

func TestOldPayloadsAreUpgraded(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, upgradedDeclaration())
	e := crdt.Event{Kind: "order.paid", Module: "shop", Subject: "o-1"}
	v1, v2 := e, e
	v1.Payload = []byte(`{"amount":3}`)
	v2.Payload, v2.Headers = []byte(`{"cents":250}`), version("2")
	appendRaw(t, l, v1, v2)
	if _, err := typ.Append(t.Context(), l, paid{Order: "o-1", Cents: 1, Currency: "CHF"}); err != nil {
		t.Fatal(err)
	}
	if headers := entries(t, l)[2].Headers; !cmp.Equal(headers, version("3")) {
		t.Errorf("headers: %v", headers)
	}
	want := []paid{{Order: "o-1", Cents: 300, Currency: "EUR"}, {Order: "o-1", Cents: 250, Currency: "EUR"}, {Order: "o-1", Cents: 1, Currency: "CHF"}}
	var got []paid
	for e, err := range typ.Read(t.Context(), l, eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Value)
		if e.Version != len(got) {
			t.Errorf("version %d of entry %d", e.Version, len(got))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if raw := entries(t, l)[0]; string(raw.Payload) != `{"amount":3}` {
		t.Errorf("the entry was changed: %s", raw.Payload)
	}
}

func TestAnUpgradeThatFailsIsAnErrorWithItsPlace(t *testing.T) {
	typ := define(t, upgradedDeclaration())
	for _, payload := range []string{`{"amount":-1}`, "null", "", `{"amount":"x"}`} {
		e := entry(crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(payload)})
		got, err := typ.Decode(e)
		bad, ok := errors.AsType[*typed.DecodeError](err)
		if !ok || bad.Version != 1 || bad.Place != e.Place() || got.Value != (paid{}) {
			t.Errorf("%s: %+v, %v", payload, got, err)
		}
	}
}

func TestAPayloadOfANewerVersionIsNamedAndReadableRaw(t *testing.T) {
	typ := define(t, upgradedDeclaration())
	e := entry(crdt.Event{Kind: "order.paid", Module: "shop/7", Headers: version("4"), ContentType: "application/cbor", Payload: []byte{1}})
	got, err := typ.Decode(e)
	newer, ok := errors.AsType[*typed.VersionError](err)
	if !ok {
		t.Fatal(err)
	}
	want := &typed.VersionError{Place: e.Place(), Kind: "order.paid", Module: "shop/7", Got: 4, Oldest: 1, Newest: 3}
	if diff := cmp.Diff(want, newer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(e, got.Entry); diff != "" || got.Version != 4 {
		t.Error(got.Version, diff)
	}
}

func TestVersionsOlderThanTheOldestAreNamed(t *testing.T) {
	d := paidDeclaration()
	d.Oldest = 3
	typ := define(t, d)
	if typ.Version() != 3 {
		t.Errorf("version %d", typ.Version())
	}
	_, err := typ.Decode(entry(crdt.Event{Kind: "order.paid", Module: "shop", Headers: version("2"), Payload: []byte(`{}`)}))
	if older, ok := errors.AsType[*typed.VersionError](err); !ok || older.Got != 2 || older.Oldest != 3 {
		t.Error(err)
	}
}

func TestAVersionThatIsNoNumberIsAnError(t *testing.T) {
	typ := define(t, upgradedDeclaration())
	for _, v := range []string{"", "0", "01", "+1", "-1", "1.0", "x", "65536", "18446744073709551617"} {
		_, err := typ.Decode(entry(crdt.Event{Kind: "order.paid", Module: "shop", Headers: version(v), Payload: []byte(`{"order":"o"}`)}))
		if bad, ok := errors.AsType[*typed.DecodeError](err); !ok || bad.Version != 0 {
			t.Errorf("%q: %v", v, err)
		}
	}
	got, err := typ.Decode(entry(crdt.Event{Kind: "order.paid", Module: "shop", Subject: "o", Headers: version("1"), Payload: []byte(`{"amount":1}`)}))
	if err != nil || got.Version != 1 {
		t.Errorf("version 1 by name: %v", err)
	}
}

func TestAVersionMayChangeTheCodec(t *testing.T) {
	d := paidDeclaration()
	d.Codec = textCodec{}
	d.Upgrades = []typed.Upgrade{
		typed.UpgradeValue(1, func(old paid) (paid, error) { old.Cents *= 100; return old, nil }),
	}
	typ := define(t, d)
	e := crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(`{"order":"o-1","cents":2}`)}
	if got, err := typ.Decode(entry(e)); err != nil || got.Value != (paid{Order: "o-1", Cents: 200}) {
		t.Errorf("%+v, %v", got, err)
	}
	e.Headers = version("2")
	_, err := typ.Decode(entry(e))
	wantMismatch(t, err, "content type", "application/json", "text/plain")

	// The second version is JSON too, though the codec is not.
	d.Upgrades = append(d.Upgrades, typed.Upgrade{From: 2, ContentType: "application/json", Payload: func(old crdt.Event) ([]byte, error) {
		p, err := typed.JSON[paid]{}.Decode(old.Payload)
		return []byte(p.Order), err
	}})
	if got, err := define(t, d).Decode(entry(e)); err != nil || got.Value != (paid{Order: "o-1"}) {
		t.Errorf("%+v, %v", got, err)
	}
	e.Headers = nil
	if got, err := define(t, d).Decode(entry(e)); err != nil || got.Value != (paid{Order: "o-1"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnUpgradeThatReturnsNoValueIsAnError(t *testing.T) {
	typ := define(t, typed.Declaration[any]{Kind: "k", Upgrades: []typed.Upgrade{
		typed.UpgradeValue(1, func(paidV1) (any, error) { return nil, nil }),
	}})
	_, err := typ.Decode(entry(crdt.Event{Kind: "k", Payload: []byte(`{"amount":1}`)}))
	if bad, ok := errors.AsType[*typed.DecodeError](err); !ok || !strings.Contains(bad.Error(), "returned no value") {
		t.Errorf("%v", err)
	}
}

// count is a payload of any version: an upgrade from n adds n to the sum and notes it.
type count struct {
	Sum   int
	Steps []int
}

func TestAChainOfUpgradesRunsEachOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := typed.Declaration[count]{Kind: "count", Oldest: rapid.IntRange(1, 5).Draw(t, "oldest")}
		for from := range rapid.IntRange(0, 8).Draw(t, "upgrades") {
			d.Upgrades = append(d.Upgrades, countUpgrade(d.Oldest+from, rapid.Bool().Draw(t, "of values")))
		}
		typ, err := typed.Define(d)
		if err != nil {
			t.Fatal(err)
		}
		written := rapid.IntRange(d.Oldest, typ.Version()).Draw(t, "written")
		want := count{Steps: []int{}}
		for from := written; from < typ.Version(); from++ {
			want.Sum, want.Steps = want.Sum+from, append(want.Steps, from)
		}
		got, err := typ.Decode(entry(crdt.Event{Kind: "count", Headers: version(fmt.Sprint(written)), Payload: []byte(`{"Sum":0,"Steps":[]}`)}))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Value); diff != "" {
			t.Fatal(diff)
		}
	})
}

func countUpgrade(from int, ofValues bool) typed.Upgrade {
	next := func(c count) (count, error) {
		return count{Sum: c.Sum + from, Steps: append(c.Steps, from)}, nil
	}
	if ofValues {
		return typed.UpgradeValue(from, next)
	}
	return typed.Upgrade{From: from, Payload: func(old crdt.Event) ([]byte, error) {
		c, err := typed.JSON[count]{}.Decode(old.Payload)
		if err != nil {
			return nil, err
		}
		c, _ = next(c)
		return typed.JSON[count]{}.Encode(c)
	}}
}
