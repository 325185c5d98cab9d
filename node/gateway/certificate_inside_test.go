package gateway

import (
	"context"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/gateway/gatewaytest"
)

// TestACertificateIsReadAgain: what is new in the files counts from the next connection on; what is half there, or
// nonsense, leaves that of before, and is told once.
func TestACertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	first, second := gatewaytest.Certificate(t, "first"), gatewaytest.Certificate(t, "second")
	write := func(path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, first[0])
	write(key, first[1])
	synctest.Test(t, func(t *testing.T) {
		c, err := newCertificate(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		var told gatewaytest.Log
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(ctx, slog.New(slog.NewTextHandler(&told, nil)))
		}()
		expect := func(name string, lines int) {
			t.Helper()
			time.Sleep(10 * lookEvery)
			synctest.Wait()
			shown, err := c.config().GetCertificate(nil)
			if err != nil || shown.Leaf.Subject.CommonName != name {
				t.Errorf("shown: %v, %v, want %s", shown.Leaf.Subject, err, name)
			}
			if got := strings.Count(told.String(), "\n"); got != lines || strings.Contains(told.String(), "PRIVATE") {
				t.Errorf("told %d lines, want %d:\n%s", got, lines, told.String())
			}
		}
		expect("first", 0)
		write(cert, second[0]) // and its key is not there yet
		expect("first", 1)
		write(key, second[1])
		expect("second", 2)
		write(cert, []byte("nonsense"))
		expect("second", 3)
		write(cert, first[0])
		write(key, first[1])
		expect("first", 4)
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		expect("first", 5)
		end()
		<-done
	})
}

// TestWhichCertificatesEndSoon: a tenth of their time before, and two weeks before at most.
func TestWhichCertificatesEndSoon(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	for _, test := range []struct {
		good, left time.Duration
		soon       bool
	}{
		{day, 13 * time.Hour, false}, {day, 2 * time.Hour, true}, {6 * day, day, false}, {90 * day, 10 * day, false}, {90 * day, 8 * day, true},
		{365 * day, 30 * day, false}, {365 * day, 13 * day, true}, {3650 * day, 100 * day, false}, {3650 * day, 13 * day, true}, {day, -time.Hour, true},
	} {
		c := &x509.Certificate{NotAfter: now.Add(test.left), NotBefore: now.Add(test.left - test.good)}
		if is := EndsSoon(c, now); is != test.soon {
			t.Errorf("good for %s, %s left: soon is %t", test.good, test.left, is)
		}
	}
}
