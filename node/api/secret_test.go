package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

// TestASecretShowsNothing prints one in each way in which programs do.
func TestASecretShowsNothing(t *testing.T) {
	const planted = "quipu_planted"
	of := struct {
		Name  string
		Token api.Secret
		To    *api.Secret
	}{"n", planted, new(api.Secret(planted))}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", of, of.Token, []api.Secret{of.Token})
	}
	fmt.Fprintln(&out, of, of.Token, errors.New(fmt.Sprint(of.Token)))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "of", of, "token", of.Token)
	}
	if err := json.NewEncoder(&out).Encode(of); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted)} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("it shows %s:\n%s", shown, &out)
		}
	}
	if n := strings.Count(out.String(), "(secret)"); n < 9*3 {
		t.Errorf("it is redacted %d times:\n%s", n, &out)
	}
	if string(of.Token) != planted {
		t.Error("a conversion does not give it")
	}
}
