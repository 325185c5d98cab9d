package keyform_test

import (
	"crypto/ed25519"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/keyform"
)

// program runs a program and returns its stdout. Without the program the test is skipped, or fails with QUIPU_E2E=1.
func program(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatalf("%s is not here", name)
		}
		t.Skipf("%s is not here", name)
	}
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		var said []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = exit.Stderr
		}
		t.Fatalf("%s %q: %v\n%s", name, args, err, said)
	}
	return string(out)
}

// open reads a key file and opens it.
func open(t *testing.T, path string) ed25519.PublicKey {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keyform.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	key, err := private.Open([]byte(phrase))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return key.Public().(ed25519.PublicKey)
}

// TestReadsSSHKeygen has ssh-keygen make keys: plain ones, and sealed with each cipher that is read here, hashed
// seldom and often.
func TestReadsSSHKeygen(t *testing.T) {
	for name, args := range map[string][]string{
		"plain":   {"-N", ""},
		"default": {"-N", phrase},
		"cbc":     {"-N", phrase, "-Z", "aes256-cbc", "-a", "1"},
		"ctr":     {"-N", phrase, "-Z", "aes256-ctr", "-a", "2"},
		"gcm":     {"-N", phrase, "-Z", "aes256-gcm@openssh.com", "-a", "40"},
		"gcm128":  {"-N", phrase, "-Z", "aes128-gcm@openssh.com", "-a", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			program(t, "ssh-keygen", append([]string{"-q", "-t", "ed25519", "-C", "somebody", "-f", file}, args...)...)
			public := open(t, file)
			line, err := os.ReadFile(file + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			if want := keyform.LineOf(public) + " somebody\n"; string(line) != want {
				t.Errorf("ssh-keygen says %q, we say %q", line, want)
			}
			if said := program(t, "ssh-keygen", "-l", "-f", file+".pub"); strings.Fields(said)[1] != keyform.PrintOf(public) {
				t.Errorf("ssh-keygen prints %q, we print %q", said, keyform.PrintOf(public))
			}
		})
	}
}

// TestReadsOpenSSL has openssl make a key, and seal it in each way that is read here.
func TestReadsOpenSSL(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "key")
	program(t, "openssl", "genpkey", "-algorithm", "ed25519", "-out", plain)
	want := program(t, "openssl", "pkey", "-in", plain, "-pubout")
	if got := keyform.PEMOf(open(t, plain)); got != want {
		t.Errorf("plain: got\n%s, want\n%s", got, want)
	}
	for name, args := range map[string][]string{
		"default": nil,
		"genpkey": {"-v2", "aes-256-cbc"},
		"often":   {"-v2", "aes-256-cbc", "-iter", "300000"},
		"seldom":  {"-v2", "aes-192-cbc", "-iter", "1"},
		"sha1":    {"-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"},
		"sha384":  {"-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384"},
		"sha512":  {"-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"},
		"scrypt":  {"-scrypt"},
		"scryptP": {"-scrypt", "-scrypt_N", "1024", "-scrypt_r", "4", "-scrypt_p", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			program(t, "openssl", append([]string{"pkcs8", "-topk8", "-in", plain, "-out", file, "-passout", "pass:" + phrase}, args...)...)
			if got := keyform.PEMOf(open(t, file)); got != want {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
		})
	}
}

// TestTheyReadOurs has ssh-keygen and openssl open what Seal and Plain have written.
func TestTheyReadOurs(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(t *testing.T, text []byte, err error) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "key")
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Run("ssh-keygen", func(t *testing.T) {
		text, err := keyform.Seal(key, keyform.OpenSSH, []byte(phrase))
		if got, want := program(t, "ssh-keygen", "-y", "-P", phrase, "-f", write(t, text, err)), keyform.LineOf(public)+"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("openssl", func(t *testing.T) {
		text, err := keyform.Seal(key, keyform.PKCS8, []byte(phrase))
		if got := program(t, "openssl", "pkey", "-in", write(t, text, err), "-passin", "pass:"+phrase, "-pubout"); got != keyform.PEMOf(public) {
			t.Errorf("got\n%s, want\n%s", got, keyform.PEMOf(public))
		}
	})
	t.Run("plain", func(t *testing.T) {
		text, err := keyform.Plain(key)
		if got := program(t, "openssl", "pkey", "-in", write(t, text, err), "-pubout"); got != keyform.PEMOf(public) {
			t.Errorf("got\n%s, want\n%s", got, keyform.PEMOf(public))
		}
	})
}
