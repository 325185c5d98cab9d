package gateway

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// TestWhatATokenMayCall: a token makes so many calls a second, a second's calls at once, and has so many under way; what
// it is refused takes nothing from the others.
func TestWhatATokenMayCall(t *testing.T) {
	a := allowance{rate: 10, byToken: make(map[string]*use)}
	now := time.Unix(1, 0)
	enter := func(token string) (func(), api.Code) {
		t.Helper()
		leave, err := a.enter(token, now)
		if err == nil {
			return leave, ""
		}
		refused, ok := errors.AsType[*api.Error](err)
		if !ok || refused.GetHeaders().Get("Retry-After") == "" {
			t.Errorf("refused without a pause: %v", err)
		}
		return nil, refused.Code
	}
	for i := range 10 {
		leave, code := enter("a")
		if code != "" {
			t.Fatalf("call %d: %s", i, code)
		}
		leave()
	}
	if _, code := enter("a"); code != api.TooMany {
		t.Errorf("the eleventh call in a second: %q", code)
	}
	if _, code := enter("b"); code != "" {
		t.Errorf("another token: %q", code)
	}
	now = now.Add(100 * time.Millisecond)
	if _, code := enter("a"); code != "" {
		t.Errorf("after a tenth of a second: %q", code)
	}
	if _, code := enter("a"); code != api.TooMany {
		t.Errorf("a second time: %q", code)
	}
}

// TestCallsUnderWay: one token has no more calls under way than it may, and all of them together no more than that; each
// that is over makes room for one.
func TestCallsUnderWay(t *testing.T) {
	a := allowance{rate: maxRate, byToken: make(map[string]*use)}
	code := func(err error) api.Code {
		if err == nil {
			return ""
		}
		return err.(*api.Error).Code
	}
	leaving := make(map[string]func())
	entered := 0
	for token := range maxCalls/maxTokenCalls + 1 {
		name := fmt.Sprint(token)
		for {
			leave, err := a.enter(name, time.Unix(1, 0))
			if err != nil {
				want := api.TooMany
				if entered == maxCalls {
					want = api.Busy
				}
				if code(err) != want {
					t.Errorf("token %s after %d calls: %v, want %s", name, entered, err, want)
				}
				break
			}
			entered++
			leaving[name] = leave
		}
	}
	if entered != maxCalls {
		t.Fatalf("%d calls under way, want %d", entered, maxCalls)
	}
	leaving["0"]()
	if _, err := a.enter("1", time.Unix(1, 0)); code(err) != api.TooMany {
		t.Errorf("a token that has all it may: %v", err)
	}
	if _, err := a.enter("new", time.Unix(1, 0)); err != nil {
		t.Errorf("a call in the place of one that is over: %v", err)
	}
}

// TestTokensThatAreGoneAreForgotten: names that come and go take no memory for good.
func TestTokensThatAreGoneAreForgotten(t *testing.T) {
	a := allowance{rate: 1, byToken: make(map[string]*use)}
	for i := range 10 * maxCalls {
		leave, err := a.enter(fmt.Sprint(i), time.Unix(int64(2*i), 0))
		if err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if len(a.byToken) > maxCalls+1 {
		t.Errorf("%d tokens are remembered", len(a.byToken))
	}
}
