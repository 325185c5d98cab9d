package access_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/api"
)

var here = netip.MustParseAddr("127.0.0.1")

// exchange exchanges a code that is good, and returns the grant of the session.
func exchange(t *testing.T, s *access.Store, code string) *access.Grant {
	t.Helper()
	secret, expires, err := s.Exchange(code, here)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Check(secret)
	if err != nil || !g.Expires.Equal(expires) {
		t.Fatalf("%+v until %s, %v", g, expires, err)
	}
	return g
}

// TestACodeIsGoodOnce: for a session that reads, and for no second one; what is wrong with a code nobody learns, and it
// shows nothing of itself.
func TestACodeIsGoodOnce(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	code, expires := s.SignIn()
	if left := time.Until(expires); len(code) != 43 || left < 115*time.Second || left > 2*time.Minute {
		t.Errorf("%d characters, good for %s", len(code), left)
	}
	g := exchange(t, s, code)
	if !g.Session || !slices.Equal(g.Scopes, []api.Scope{api.ScopeRead}) || g.Narrow() || g.Allows(api.ScopeAppend) || g.Allows(api.ScopeAdmin) {
		t.Errorf("the session grants %+v", g)
	}
	_, _, used := s.Exchange(code, here)
	other := []byte(code)
	other[0] ^= 1
	for _, shown := range []string{code, string(other), "", code[:42], code + "A", strings.Repeat("A", 1<<15)} {
		_, _, err := s.Exchange(shown, here)
		if !errors.Is(err, access.ErrRefused) || err.Error() != used.Error() || shown != "" && strings.Contains(err.Error(), shown) {
			t.Errorf("%.50q: %v", shown, err)
		}
	}
	if all, err := s.List(); err != nil || len(all) > 0 {
		t.Errorf("sessions are no tokens: %+v, %v", all, err)
	}
	again, _ := s.SignIn()
	if _, _, err := opened(t, dir).Exchange(again, here); !errors.Is(err, access.ErrRefused) {
		t.Errorf("another process took the code: %v", err)
	}
}

// TestCodesAndSessionsEnd: a code after two minutes, a session after twelve hours, and the oldest of many before.
func TestCodesAndSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, t.TempDir())
		late, _ := s.SignIn()
		time.Sleep(2 * time.Minute)
		if _, _, err := s.Exchange(late, here); !errors.Is(err, access.ErrRefused) {
			t.Errorf("a code of two minutes ago: %v", err)
		}
		code, _ := s.SignIn()
		time.Sleep(2*time.Minute - time.Nanosecond)
		secret, expires, err := s.Exchange(code, here)
		if left := time.Until(expires); err != nil || left > 12*time.Hour || left <= 12*time.Hour-time.Second {
			t.Fatalf("until %s, %v", expires, err)
		}
		time.Sleep(time.Until(expires) - time.Nanosecond)
		if _, err := s.Check(secret); err != nil {
			t.Errorf("just before its end: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := s.Check(secret); !errors.Is(err, access.ErrRefused) {
			t.Errorf("at its end: %v", err)
		}

		var codes []string
		for range 17 {
			code, _ := s.SignIn()
			codes = append(codes, code)
		}
		if _, _, err := s.Exchange(codes[0], here); !errors.Is(err, access.ErrRefused) {
			t.Errorf("the oldest of 17 codes: %v", err)
		}
		first := exchange(t, s, codes[16])
		exchange(t, s, codes[1])
		for range 255 {
			time.Sleep(time.Second)
			code, _ := s.SignIn()
			exchange(t, s, code)
		}
		if !ended(first) {
			t.Error("the oldest of 257 sessions goes on")
		}
	})
}

// TestTriesAreFew: ten wrong codes at once from one address, and one a second; other addresses are not held up, those of one network
// of IPv6 are one. Nobody makes the node forget that by coming from many.
func TestTriesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, t.TempDir())
		tries := func(from ...string) (taken int) {
			for i := range 30 {
				_, _, err := s.Exchange(fmt.Sprint(i), netip.MustParseAddr(from[i%len(from)]))
				if !errors.Is(err, access.ErrTries) {
					taken++
				}
			}
			return taken
		}
		for _, from := range [][]string{{"192.0.2.1"}, {"192.0.2.2", "::ffff:192.0.2.2"}, {"2001:db8::1", "2001:db8::2:1"}} {
			if n := tries(from...); n != 10 {
				t.Errorf("%v: %d of 30 were taken, want 10", from, n)
			}
		}
		good, _ := s.SignIn()
		if _, _, err := s.Exchange(good, netip.MustParseAddr("192.0.2.1")); err != nil {
			t.Errorf("a good code behind many wrong ones: %v", err)
		}
		time.Sleep(3 * time.Second)
		if n := tries("192.0.2.1"); n != 3 {
			t.Errorf("after 3 s %d were taken", n)
		}
		time.Sleep(time.Hour)
		if n := tries("192.0.2.1"); n != 10 {
			t.Errorf("after an hour %d were taken", n)
		}
		for i := range 5000 { // more than are remembered
			_, _, _ = s.Exchange("", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		}
		if n := tries("192.0.2.1"); n != 0 {
			t.Errorf("%d were taken of who had tried before many others", n)
		}
		code, _ := s.SignIn()
		if _, _, err := s.Exchange(code, netip.Addr{}); err != nil {
			t.Errorf("from an address that is not known: %v", err)
		}
	})
}
