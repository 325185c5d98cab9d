package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// conversation is a command at a terminal of its own, and what the two sides have sent there.
type conversation struct {
	t      *testing.T
	cmd    *exec.Cmd
	person *os.File // the other end of the terminal
	more   chan string
	seen   string
	stdout strings.Builder
}

// atTerminal starts a command whose terminal a person sits at, though its stdin and stdout are none.
func atTerminal(t *testing.T, args ...string) *conversation {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "quipu") // see TestMain
	if err := os.Symlink(exe, name); err != nil {
		t.Fatal(err)
	}
	person, terminal := openPair(t)
	c := &conversation{t: t, cmd: exec.Command(name, args...), person: person, more: make(chan string)}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, terminal
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.more)
		for b := make([]byte, 256); ; {
			n, err := person.Read(b)
			if n > 0 {
				c.more <- string(b[:n])
			}
			if err != nil {
				return // nobody has the terminal open any more
			}
		}
	}()
	return c
}

// await waits until the terminal was sent text, and echo is off or on.
func (c *conversation) await(text string, echo bool) {
	c.t.Helper()
	late := time.After(patience)
	for {
		at := strings.Index(c.seen, text)
		if at >= 0 && c.echoes() == echo {
			c.seen = c.seen[at+len(text):]
			return
		}
		select {
		case more, ok := <-c.more:
			if !ok {
				c.t.Fatalf("the command has ended; what is left to read is %q, want %q", c.seen, text)
			}
			c.seen += more
		case <-time.After(time.Millisecond): // nothing tells that echo has changed
		case <-late:
			c.t.Fatalf("the terminal was sent %q, want %q and echo %v", c.seen, text, echo)
		}
	}
}

// echoes reports whether the terminal shows what is typed.
func (c *conversation) echoes() bool {
	state, err := unix.IoctlGetTermios(int(c.person.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func (c *conversation) types(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.person, line); err != nil {
		c.t.Fatal(err)
	}
}

// ends wants the command to end with code, the terminal to show again what is typed, and nothing to have been shown
// that stands in secrets.
func (c *conversation) ends(code int, secrets ...string) {
	c.t.Helper()
	c.await("", true)
	for more := range c.more {
		c.seen += more
	}
	_ = c.cmd.Wait() // its state is looked at
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Errorf("exit code %d, want %d; %q is left to read, stdout %q", got, code, c.seen, c.stdout.String())
	}
	for _, secret := range secrets {
		if strings.Contains(c.seen+c.stdout.String(), secret) {
			c.t.Errorf("%q was shown: %q, %q", secret, c.seen, c.stdout.String())
		}
	}
}

// TestPassphraseIsAskedForAtTheTerminal: three times at most, without showing it, on the terminal alone.
func TestPassphraseIsAskedForAtTheTerminal(t *testing.T) {
	dir, export := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "key")
	quipu(t, exitDone, "init", "--dir", dir)

	c := atTerminal(t, "key", "export", "--dir", dir, "--to", export)
	c.await("New passphrase for "+export+": ", false)
	c.types("correct horse\n")
	c.await("The same again: ", false)
	c.types("correct hors\n")
	c.await("quipu: the two passphrases differ: nothing was written", true)
	c.ends(exitFailed, "correct")
	if _, err := os.Lstat(export); err == nil {
		t.Fatal("a file was written")
	}
	c = atTerminal(t, "key", "export", "--dir", dir, "--to", export)
	c.await("New passphrase for "+export+": ", false)
	c.types("correct horse\n")
	c.await("The same again: ", false)
	c.types("correct horse\n")
	c.ends(exitDone, "correct")

	sealed := filepath.Join(t.TempDir(), "b")
	c = atTerminal(t, "init", "--dir", sealed, "--key", export)
	for try := range 3 {
		c.await(fmt.Sprintf("Passphrase of %s: ", export), false)
		c.types(fmt.Sprintf("battery %d\n", try))
	}
	c.await("quipu: read key: "+export+": the passphrase does not open it", true)
	c.ends(exitFailed, "battery")

	c = atTerminal(t, "init", "--dir", sealed, "--key", export)
	c.await("Passphrase of "+export+": ", false)
	c.types("battery staple\n")
	c.await("It does not open the key. Passphrase of ", false)
	c.types("correct horse\n")
	c.ends(exitDone, "correct", "battery")
	if author := quipu(t, exitDone, "key", "show", "--dir", dir, "--format", "json"); !strings.Contains(author, strings.Fields(c.stdout.String())[1]) {
		t.Errorf("init says %q, the key is that of %s", c.stdout.String(), author)
	}

	// A command that opens the log twice asks once, and one that is told to end gives the terminal back.
	c = atTerminal(t, "append", "--dir", sealed, "--kind", "note")
	c.await("Passphrase of ", false)
	c.types("correct horse\n")
	c.ends(exitDone, "correct")
	t.Setenv(passphraseVariable, "correct horse")
	quipu(t, exitDone, "append", "--dir", sealed, "--kind", "note")
	t.Setenv(passphraseVariable, "")
	c = atTerminal(t, "prune", "--dir", sealed, "--keep", "1", "--yes")
	c.await("Passphrase of ", false)
	c.types("correct horse\n")
	c.ends(exitDone, "correct", "Passphrase of ")
	c = atTerminal(t, "log", "--dir", sealed) // which signs nothing
	c.ends(exitDone, "Passphrase of ")
	c = atTerminal(t, "append", "--dir", sealed, "--kind", "note")
	c.await("Passphrase of ", false)
	c.types("\x03")
	c.ends(exitFailed)
}
