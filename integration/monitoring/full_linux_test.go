package monitoring

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
)

// aDiskIsFull fills the disk of a node, slowly and then at once. It says that it is stuck and not ready, lacks what the other one
// has, and goes on when there is room.
func aDiskIsFull(t *testing.T, watch watch) {
	disk := smallDisk(t)
	a := newNode(t, "a", "")
	small := tokened(t, "small", daemon.NewIn(t, disk, "small", a.Log))
	small.Start(t, "--join", a.Addr)
	p := watch(a, small)
	p.fires("QuipuDiskLow", "small", true) // it has less from the beginning
	p.fires("QuipuStuck", "small", false)

	ballast := fill(t, disk, "slowly", 100*time.Millisecond)
	p.fires("QuipuDiskFills", "small", true)
	ballast()
	ballast = fill(t, disk, "at once", 0)
	taken := 0
	refused := func() bool {
		_, err := small.call(t.Context(), http.MethodPost, "/v1/entries", small.writer, `{"kind":"note"}`)
		return err != nil
	}
	for !refused() { // until what the file had free is used
		taken++
	}
	p.until(func() string { return missing(p, `quipu_http_requests_total{instance="small",code="507"}`, 1) })
	for more := taken/10 + 10; more > 0; { // a little room may turn up
		if refused() {
			more--
		}
	}
	p.fires("QuipuStuck", "small", true)
	p.fires("QuipuNotReady", "small", false) // which QuipuStuck says
	p.fires("QuipuHTTPErrors", "small", true)
	p.fires("QuipuPeerCondition", "", false) // since it is scraped itself
	watch(a).fires("QuipuPeerCondition", "", true)
	for range 10 {
		a.post(t, "/v1/entries", `{"kind":"note"}`)
	}
	p.fires("QuipuBehind", "small", true)
	p.fires("QuipuPeerLacks", "a", true)

	ballast()
	for _, name := range []string{"slowly", "at once"} {
		if err := os.Remove(filepath.Join(disk, name)); err != nil {
			t.Fatal(err)
		}
	}
	p.fires("QuipuStuck", "small", false)
	p.fires("QuipuBehind", "small", false)
	p.fires("QuipuPeerLacks", "a", false)
	small.post(t, "/v1/entries", `{"kind":"note"}`)
}

// smallDisk mounts a disk of 32 MiB until the test ends.
func smallDisk(t *testing.T) (at string) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking(t, "only root may mount a small disk")
	}
	at, err := os.MkdirTemp("", "qd") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size=32m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(at, 0); err != nil {
			t.Errorf("unmount %s: %v", at, err)
		}
		os.Remove(at)
	})
	return at
}

// fill writes a file until the disk is full, 4 KiB in each pause, or until it is stopped. With no pause it returns when the disk
// is full.
func fill(t *testing.T, disk, name string, pause time.Duration) (stop func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, name))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer f.Close()
		for chunk := make([]byte, 4096); ctx.Err() == nil; {
			if _, err := f.Write(chunk); err != nil {
				return
			}
			if pause == 0 {
				continue
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}()
	stop = func() {
		cancel()
		<-over
	}
	t.Cleanup(stop)
	if pause == 0 {
		<-over
	}
	return stop
}
