package object_test

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt/object"
)

func TestRead(t *testing.T) {
	strict := object.Fields{Known: []string{"name", "size"}, Needed: []string{"name"}}
	lenient := strict
	lenient.Others = true
	for _, c := range []struct {
		fields object.Fields
		text   string
		want   string // the fields that were read, or what the error says
	}{
		{strict, ` { "size" : 1 , "name" : "a{\"}" } `, `size=1 name="a{\"}"`},
		{strict, `{"name":{"name":[1,{}]}}`, `name={"name":[1,{}]}`},
		{strict, `{"size":1}`, `field "name" is missing`},
		{strict, `{"name":1,"nam":2}`, `unknown field "nam": did you mean "name"?`},
		{strict, `{"name":1,"name":1}`, `field "name" stands there twice`},
		{strict, `{"name":1,"n\u0061me":1}`, `field "name" stands there twice`},
		{strict, `{"name":1} 2`, "more follows"},
		{strict, `{"name":1`, "cut off"},
		{strict, ``, "cut off"},
		{strict, `[]`, "expected a JSON object"},
		{lenient, `{"nam":2,"name":1,"other":null}`, "name=1"},
		{lenient, `{"name":1,"nam":2,"nam":2}`, `field "nam" stands there twice`},
		{lenient, `{"name":1,"nam":2,"name":1}`, `field "name" stands there twice`},
		{lenient, `{"nam":2}`, `field "name" is missing`},
	} {
		var read []string
		err := c.fields.Read([]byte(c.text), func(name string, value []byte) error {
			read = append(read, name+"="+string(value))
			return nil
		})
		got := strings.Join(read, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestTextRefusesHalfAPair(t *testing.T) {
	for value, want := range map[string]string{
		`"a"`:                "a",
		`"\ud83d\ude00\\u"`:  "😀\\u",
		`"\\ud800"`:          `\ud800`,
		`"\ud800"`:           "",
		`"\ud800\u0061"`:     "",
		`"\ude00\ud83d"`:     "",
		`1`:                  "",
		`{"a":"\ud83d\ude"}`: "",
	} {
		if got, err := object.Text([]byte(value)); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", value, got, err, want)
		}
	}
}
