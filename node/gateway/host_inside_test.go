package gateway

import (
	"net/netip"
	"testing"
)

// TestHostsThatAreOurs: a request reaches the node by its address, by localhost on its own machine, and by the names that
// were given; whatever else a stranger can let lead here is refused, in each way to write it.
func TestHostsThatAreOurs(t *testing.T) {
	o := newOurs([]string{"Quipu.Example", "192.0.2.7", "2001:db8::7"})
	loopback, loopback6, lan := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback(), netip.MustParseAddr("10.0.0.5")
	linked := netip.MustParseAddr("fe80::1")
	for _, c := range []struct {
		host  string
		local netip.Addr
		want  bool
	}{
		{"127.0.0.1", loopback, true},
		{"127.0.0.1:8080", loopback, true},
		{"localhost:8080", loopback, true},
		{"LOCALHOST.:1", loopback6, true},
		{"[::1]:8080", loopback6, true},
		{"[::1]", loopback6, true},
		{"[::ffff:127.0.0.1]:80", loopback, true},
		{"[fe80::1%eth0]:80", linked, true},
		{"10.0.0.5", lan, true},
		{"quipu.example", lan, true},
		{"QUIPU.example.:443", lan, true},
		{"192.0.2.7:8080", lan, true},
		{"[2001:DB8::7]:8080", lan, true},

		{"localhost", lan, false},
		{"evil.example", loopback, false},
		{"evil.example:8080", lan, false},
		{"localhost.evil.example", loopback, false},
		{"quipu.example.evil.example", lan, false},
		{"127.0.0.2", loopback, false},
		{"127.0.0.1", lan, false},
		{"0.0.0.0", loopback, false},
		{"127.1", loopback, false},
		{"2130706433", loopback, false},
		{"0x7f000001", loopback, false},
		{"127.0.0.1.", loopback, false},
		{"[::]", loopback6, false},
		{"[127.0.0.1]", loopback, false},
		{"[::1", loopback6, false},
		{"[::1]x", loopback6, false},
		{"[::1]:port", loopback6, false},
		{"127.0.0.1:", loopback, false},
		{"127.0.0.1:99999", loopback, false},
		{"127.0.0.1:80:80", loopback, false},
		{"evil@127.0.0.1", loopback, false},
		{"127.0.0.1 evil", loopback, false},
		{"127.0.0.1,evil.example", loopback, false},
		{"quipu.example\x00", lan, false},
		{"", loopback, false},
		{".", loopback, false},
		{":8080", loopback, false},
	} {
		if got := o.has(c.host, c.local); got != c.want {
			t.Errorf("host %q at %s: %t, want %t", c.host, c.local, got, c.want)
		}
	}
}

// TestOriginsHaveOneForm: what is configured and what a browser sends are compared in the form of the latter.
func TestOriginsHaveOneForm(t *testing.T) {
	for text, want := range map[string]string{
		"https://app.example":     "https://app.example",
		"https://App.Example:443": "https://app.example",
		"http://app.example:80":   "http://app.example",
		"http://app.example:443":  "http://app.example:443",
		"http://[::1]:8080":       "http://[::1]:8080",
		"https://app.example/":    "",
		"https://app.example/x":   "",
		"https://app.example?x":   "",
		"https://app.example#":    "",
		"https://u@app.example":   "",
		"https://*.example":       "",
		"ftp://app.example":       "",
		"app.example":             "",
		"https://":                "",
		"null":                    "",
		"*":                       "",
		"":                        "",
	} {
		if got, err := parseOrigin(text); got != want || (err != nil) != (want == "") {
			t.Errorf("origin %q: %q, %v, want %q", text, got, err, want)
		}
	}
}
