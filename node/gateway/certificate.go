package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/node/folder"
)

// lookEvery is how often the files of a certificate are looked at.
const lookEvery = 2 * time.Second

// certificate is what the node shows for TLS, out of two files that may change.
type certificate struct {
	cert, key string // paths

	pem  [2][]byte // what the files held when they were taken last; of Run, and of newCertificate before
	held atomic.Pointer[tls.Certificate]
}

// newCertificate reads the certificate that the files hold.
func newCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	_, err := c.read()
	return c, err
}

// config returns what TLS is spoken with.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.held.Load(), nil },
	}
}

// read takes what the files hold by now, where that is new and a certificate with its key.
func (c *certificate) read() (taken bool, err error) {
	var now [2][]byte
	for i, path := range []string{c.cert, c.key} {
		if now[i], err = folder.ReadPEM(path); err != nil {
			return false, err
		}
	}
	if bytes.Equal(now[0], c.pem[0]) && bytes.Equal(now[1], c.pem[1]) {
		return false, nil
	}
	read, err := tls.X509KeyPair(now[0], now[1])
	if err != nil {
		return false, fmt.Errorf("%s and %s: expected a certificate and its key, in PEM: %w", c.cert, c.key, err)
	}
	c.held.Store(&read)
	c.pem = now
	return true, nil
}

// run looks at the files again and again until ctx ends. Where they cannot be taken the certificate of before goes on,
// which the logger is told, once, when that was so twice: two files are seldom replaced in one moment.
func (c *certificate) run(ctx context.Context, logger *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failed, told := "", ""
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		taken, err := c.read()
		switch {
		case err == nil && taken:
			logger.Info("the certificate was read again", "path", c.cert, "expires", c.held.Load().Leaf.NotAfter.UTC())
		case err != nil && err.Error() == failed && err.Error() != told:
			told = err.Error()
			logger.Error("the certificate cannot be read again: the one of before goes on", "err", err)
		}
		failed = ""
		if err != nil {
			failed = err.Error()
		} else {
			told = ""
		}
	}
}

// ReadCertificate reads a certificate as clients are shown it: the first one of a file in PEM.
func ReadCertificate(path string) (*x509.Certificate, error) {
	text, err := folder.ReadPEM(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		read, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return read, nil
	}
	return nil, fmt.Errorf("%s: there is no certificate in it: expected one in PEM", path)
}

// EndsSoon reports whether a certificate had better be replaced by now: less than two weeks are left of its time, and less
// than a tenth, so that one that is good for a day is not said to end from its beginning.
func EndsSoon(c *x509.Certificate, now time.Time) bool {
	left := c.NotAfter.Sub(now)
	return left < soon && left < c.NotAfter.Sub(c.NotBefore)/10
}

// soon is when a certificate is worth a look before it ends.
const soon = 14 * 24 * time.Hour
