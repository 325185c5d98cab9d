package typed_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

func TestWhatATypeAppendsItReads(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	want := []paid{
		{Order: "o-1", Cents: 1250, Currency: "<€> & £", At: at},
		{Order: "o-2", Cents: -1 << 62},
		{Order: "o-3"},
	}
	first, err := typ.Append(t.Context(), l, want[0])
	if err != nil {
		t.Fatal(err)
	}
	rest, err := typ.AppendBatch(t.Context(), l, want[1:])
	if err != nil {
		t.Fatal(err)
	}
	places := append([]crdt.Place{first}, rest...)
	for i, e := range entries(t, l) {
		if e.Place() != places[i] || e.Kind != "order.paid" || e.Module != "shop" || e.Subject != want[i].Order ||
			e.Retention != crdt.Persistent || len(e.Headers) != 0 || e.ContentType != "" {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if e := entries(t, l)[0]; !e.Time.Equal(at) || string(e.Payload) != `{"order":"o-1","cents":1250,"currency":"<€> & £","at":"2026-03-01T12:00:00.000000005Z"}` {
		t.Errorf("%s %s", e.Time, e.Payload)
	}
	if e := entries(t, l)[1]; e.Time.IsZero() {
		t.Error("a value without a time gets that of the append")
	}
	var got []paid
	for e, err := range typ.Read(t.Context(), l, eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Version != 1 || e.Instance != "" || e.Place() != places[len(got)] {
			t.Errorf("%+v", e)
		}
		got = append(got, e.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAppendTxCommitsWithTheCallersKeys(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	sell := func(fail error) error {
		return l.Update(t.Context(), func(tx *eventlog.Tx) error {
			place, err := typ.AppendTx(tx, paid{Order: "o-1"})
			if err != nil {
				return err
			}
			if err := tx.Bucket("sold").Put([]byte("o-1"), []byte(place.String())); err != nil {
				return err
			}
			return fail
		})
	}
	stop := errors.New("stop")
	if err := sell(stop); !errors.Is(err, stop) || len(entries(t, l)) != 0 {
		t.Fatalf("%v, %d entries", err, len(entries(t, l)))
	}
	if err := sell(nil); err != nil || len(entries(t, l)) != 1 {
		t.Fatalf("%v, %d entries", err, len(entries(t, l)))
	}
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		if _, err := typ.AppendTx(tx, paid{}); !errors.Is(err, crdt.ErrEvent) {
			t.Errorf("a value that Check refuses: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAppendRefusesAValueThatCannotBeAnEvent(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	if _, err := typ.Append(t.Context(), l, paid{}); !errors.Is(err, crdt.ErrEvent) || !strings.Contains(err.Error(), "order is empty") {
		t.Error(err)
	}
	_, err := typ.AppendBatch(t.Context(), l, []paid{{Order: "o-1"}, {Order: "o\xff"}})
	if !errors.Is(err, crdt.ErrEvent) || !strings.Contains(err.Error(), "value 2 of 2") {
		t.Error(err)
	}
	if _, err := typ.Append(t.Context(), l, paid{Order: strings.Repeat("o", crdt.MaxSubject+1)}); !errors.Is(err, crdt.ErrEvent) {
		t.Error(err)
	}
	if n := len(entries(t, l)); n != 0 {
		t.Errorf("%d entries", n)
	}
}

// System C: a flag bug sends every trimable event down the transient path, and none is stored.
func TestATrimmableEventIsStoredAndTrimmable(t *testing.T) {
	l := eventlogtest.Open(t)
	if _, err := shippedType.Append(t.Context(), l, shipped{"o-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := shippedType.AppendBatch(t.Context(), l, []shipped{{"o-2"}}); err != nil {
		t.Fatal(err)
	}
	err := l.Update(t.Context(), func(tx *eventlog.Tx) error {
		_, err := shippedType.AppendTx(tx, shipped{"o-3"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var orders []string
	for e, err := range shippedType.Read(t.Context(), l, eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Retention != crdt.Trimmable {
			t.Errorf("%s is %s", e.Place(), e.Retention)
		}
		orders = append(orders, e.Value.Order)
	}
	if diff := cmp.Diff([]string{"o-1", "o-2", "o-3"}, orders); diff != "" {
		t.Error(diff)
	}
}

// System B: typed events have a kind, a module kind and a module instance.
func TestModuleKindAndInstance(t *testing.T) {
	l := eventlogtest.Open(t)
	all := define(t, paidDeclaration())
	seven, eight := in(t, all, "7"), in(t, all, "8/b")
	for i, typ := range []*typed.Type[paid]{all, seven, eight, seven} {
		if _, err := typ.Append(t.Context(), l, paid{Order: "o", Cents: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	appendRaw(t, l, crdt.Event{Kind: "order.paid", Module: "bank/7", Payload: []byte(`{"order":"o"}`)},
		crdt.Event{Kind: "order.paid", Module: "shop/", Payload: []byte(`{"order":"o"}`)},
		crdt.Event{Kind: "order.paid", Payload: []byte(`{"order":"o"}`)})
	noModule := define(t, typed.Declaration[paid]{Kind: "order.paid"})
	for _, c := range []struct {
		typ  *typed.Type[paid]
		q    eventlog.Query
		want []string // module of each
	}{
		{all, eventlog.Query{}, []string{"shop", "shop/7", "shop/8/b", "shop/7"}},
		{all, eventlog.Query{Modules: []string{"shop/7", "bank/7"}}, []string{"shop/7", "shop/7"}},
		{all, eventlog.Query{Limit: 2, Reverse: true}, []string{"shop/7", "shop/8/b"}},
		{seven, eventlog.Query{}, []string{"shop/7", "shop/7"}},
		{eight, eventlog.Query{}, []string{"shop/8/b"}},
		{noModule, eventlog.Query{}, []string{""}},
	} {
		var got []string
		for e, err := range c.typ.Read(t.Context(), l, c.q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Module)
			if _, instance, _ := strings.Cut(e.Module, "/"); instance != e.Instance {
				t.Errorf("instance %q of %q", e.Instance, e.Module)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %+v: %s", c.typ.Module(), c.q, diff)
		}
	}
	for _, instance := range []string{"", "\xff", strings.Repeat("7", crdt.MaxModule)} {
		if _, err := all.In(instance); err == nil {
			t.Errorf("instance %.20q is taken", instance)
		}
	}
	if _, err := noModule.In("7"); err == nil {
		t.Error("an instance of no module is taken")
	}
}

func TestReadGoesOnAfterAnEntryThatCannotBeDecoded(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	good := crdt.Event{Kind: "order.paid", Module: "shop", Payload: []byte(`{"order":"o-1"}`)}
	bad := good
	bad.Payload = []byte(`{"order":1}`)
	appendRaw(t, l, good, bad, good)
	var got []string
	for e, err := range typ.Read(t.Context(), l, eventlog.Query{}) {
		if _, ok := errors.AsType[*typed.DecodeError](err); ok {
			got = append(got, "bad "+string(e.Payload))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Value.Order)
	}
	if diff := cmp.Diff([]string{"o-1", `bad {"order":1}`, "o-1"}, got); diff != "" {
		t.Error(diff)
	}
	for _, err := range typ.Read(t.Context(), l, eventlog.Query{Limit: -1}) {
		if !errors.Is(err, eventlog.ErrQuery) {
			t.Errorf("%v", err)
		}
	}
}

func TestTailReadsWhatIsThereAndWhatArrives(t *testing.T) {
	l := eventlogtest.Open(t)
	typ := define(t, paidDeclaration())
	appendPaid := func(order string) {
		appendRaw(t, l, crdt.Event{Kind: "other"}, crdt.Event{Kind: "order.paid", Module: "bank"})
		if _, err := typ.Append(t.Context(), l, paid{Order: order}); err != nil {
			t.Fatal(err)
		}
	}
	appendPaid("o-1")
	var got []string
	for e, err := range typ.Tail(t.Context(), l, eventlog.Query{Limit: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Value.Order)
		appendPaid("o-1" + strings.Repeat("+", len(got)))
	}
	if diff := cmp.Diff([]string{"o-1", "o-1+", "o-1++"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefineSaysWhatIsWrong(t *testing.T) {
	same := func(e crdt.Event) ([]byte, error) { return e.Payload, nil }
	toV2 := func(paidV1) (paidV2, error) { return paidV2{}, nil }
	toPaid := func(paidV2) (paid, error) { return paid{}, nil }
	for _, c := range []struct {
		name string
		d    typed.Declaration[paid]
		want string
	}{
		{"no kind", typed.Declaration[paid]{}, "kind is empty"},
		{"reserved kind", typed.Declaration[paid]{Kind: "quipu.paid"}, "reserved"},
		{"module with a slash", typed.Declaration[paid]{Kind: "k", Module: "shop/7"}, "slash"},
		{"unknown retention", typed.Declaration[paid]{Kind: "k", Retention: 200}, "retention(200)"},
		{"no such version", typed.Declaration[paid]{Kind: "k", Version: typed.MaxVersion + 1, Oldest: typed.MaxVersion + 1}, "versions"},
		{"negative version", typed.Declaration[paid]{Kind: "k", Version: -1}, "versions"},
		{"oldest past version", typed.Declaration[paid]{Kind: "k", Version: 2, Oldest: 3}, "versions"},
		{"no upgrades", typed.Declaration[paid]{Kind: "k", Version: 2}, "lead from version 1 to 1, not to 2"},
		{"too many upgrades", typed.Declaration[paid]{Kind: "k", Version: 1, Upgrades: []typed.Upgrade{{From: 1, Payload: same}}}, "not to 1"},
		{"gap", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{{From: 1, Payload: same}, {From: 3, Payload: same}}}, "expected one from version 2"},
		{"twice", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{{From: 1, Payload: same}, {From: 1, Payload: same}}}, "expected one from version 2"},
		{"no function", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{{From: 1}}}, "one function"},
		{"nil function", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{typed.UpgradeValue[paidV1, paid](1, nil)}}, "one function"},
		{"other Go type at the end", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{typed.UpgradeValue(1, toV2)}}, "returns typed_test.paidV2, and version 2 is typed_test.paid"},
		{"other Go type between", typed.Declaration[paid]{Kind: "k", Upgrades: []typed.Upgrade{typed.UpgradeValue(1, toPaid), typed.UpgradeValue(2, toPaid)}}, "returns typed_test.paid, and version 2 is typed_test.paidV2"},
		{"JSON before another codec", typed.Declaration[paid]{Kind: "k", Codec: textCodec{}, Upgrades: []typed.Upgrade{typed.UpgradeValue(1, toV2), {From: 2, Payload: same}}}, "version 2 is text/plain"},
	} {
		_, err := typed.Define(c.d)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustDefine took a declaration without a kind")
		}
	}()
	typed.MustDefine(typed.Declaration[paid]{})
}
