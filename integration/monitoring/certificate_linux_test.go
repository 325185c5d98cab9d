package monitoring

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
	"github.com/quipulog/quipu/node/gateway/gatewaytest"
)

// aCertificateEnds serves by HTTPS with a certificate that is nearly over, and then puts another one in its place.
func aCertificateEnds(t *testing.T, watch watch) {
	const day = 24 * time.Hour
	a := tokened(t, "a", daemon.New(t, "a", ""))
	put := func(begin, end time.Duration) {
		t.Helper()
		now := time.Now()
		files := gatewaytest.CertificateFor(t, "a", now.Add(begin), now.Add(end))
		for i, name := range []string{"crt", "key"} {
			if err := os.WriteFile(filepath.Join(a.Dir, name), files[i], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(-80*day, 5*day)
	a.Start(t, "--http-cert", filepath.Join(a.Dir, "crt"), "--http-key", filepath.Join(a.Dir, "key"))
	p := watch(a)
	p.fires("QuipuCertificateEnds", "a", true)
	put(-time.Hour, day)
	p.fires("QuipuCertificateEnds", "a", false)
}
