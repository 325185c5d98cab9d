package keyform_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/quipulog/quipu/node/keyform"
)

// phrase is the passphrase of all keys in testdata.
const phrase = "correct horse"

// files returns the files of testdata/keys.txtar by name.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/keys.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range archive.Files {
		all[f.Name] = f.Data
	}
	return all
}

// TestReadsWhatOthersMade opens the files of ssh-keygen and openssl, with line ends of Unix and of Windows.
func TestReadsWhatOthersMade(t *testing.T) {
	all := files(t)
	public := map[keyform.Form]string{keyform.OpenSSH: string(all["openssh.pub"]), keyform.PKCS8: string(all["pkcs8.pub"])}
	opened := 0
	for name, text := range all {
		form := keyform.Form(path.Dir(name))
		if public[form] == "" {
			continue
		}
		for _, text := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), append([]byte("\ufeff"), text...)} {
			opened++
			private, err := keyform.Parse(text)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if sealed := path.Base(name) != "plain"; private.Form != form || private.Sealed != sealed || (private.Public == nil) != (sealed && form == keyform.PKCS8) {
				t.Errorf("%s: %+v", name, private)
			}
			key, err := private.Open([]byte(phrase))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got := key.Public().(ed25519.PublicKey)
			if !strings.HasPrefix(public[form], keyform.LineOf(got)) && public[form] != keyform.PEMOf(got) {
				t.Errorf("%s: got the key %s", name, keyform.LineOf(got))
			}
		}
	}
	if want := 3 * (5 + 5); opened != want {
		t.Errorf("%d texts, want %d", opened, want)
	}
}

// TestWrongPassphrases, an empty one too.
func TestWrongPassphrases(t *testing.T) {
	for name, text := range files(t) {
		private, err := keyform.Parse(text)
		if err != nil || !private.Sealed {
			continue
		}
		for _, wrong := range []string{"", "correct horse "} {
			if key, err := private.Open([]byte(wrong)); key != nil || !errors.Is(err, keyform.ErrPassphrase) {
				t.Errorf("%s: a wrong passphrase: %v", name, err)
			}
		}
	}
}

// TestSealedIsOpened opens what Seal and Plain have written.
func TestSealedIsOpened(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []keyform.Form{keyform.PKCS8, keyform.OpenSSH} {
		text, err := keyform.Seal(key, form, []byte(phrase))
		if err != nil {
			t.Fatal(err)
		}
		private, err := keyform.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := private.Open([]byte(phrase)); err != nil || !got.Equal(key) || !private.Sealed || private.Form != form {
			t.Errorf("%s: %+v: %v", form, private, err)
		}
		if _, err := private.Open([]byte("another")); !errors.Is(err, keyform.ErrPassphrase) {
			t.Errorf("%s: another passphrase: %v", form, err)
		}
		if text, err := keyform.Seal(key, form, nil); err == nil {
			t.Errorf("%s: sealed by nothing: %d bytes", form, len(text))
		}
	}
	plain, err := keyform.Plain(key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keyform.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := private.Open(nil); err != nil || !got.Equal(key) || private.Sealed {
		t.Errorf("plain: %+v: %v", private, err)
	}
}

// TestRefuses names what is no key as it is expected, and what to do. Nothing of the file is in the error.
func TestRefuses(t *testing.T) {
	all := files(t)
	plain := string(all["pkcs8/plain"])
	block, _ := pem.Decode([]byte(plain))
	openSSH, _ := pem.Decode(all["openssh/plain"])
	forged := bytes.Clone(openSSH.Bytes)
	forged[bytes.LastIndex(forged, []byte("a comment"))-10] ^= 1 // in the public half beside the private one
	for name, c := range map[string]struct{ text, found, way string }{
		"openssh-aes128-ctr": {found: `is sealed with the cipher "aes128-ctr", which is not known here`, way: "ssh-keygen -p -Z aes256-ctr"},
		"openssh-chacha20":   {found: `is sealed with the cipher "chacha20-poly1305@openssh.com"`, way: "ssh-keygen -p -Z aes256-ctr"},
		"pkcs8-des3":         {found: `is sealed with a cipher that is not AES in CBC ("1.2.840.113549.3.7")`, way: "openssl pkcs8 -topk8"},
		"pkcs8-pbes1":        {found: "is sealed in a way from before PBES2", way: "openssl pkcs8 -topk8"},
		"rsa-openssh":        {found: "holds an RSA key", way: "ssh-keygen -t ed25519"},
		"rsa-pkcs1":          {found: "holds an RSA key", way: "ssh-keygen -t ed25519"},
		"rsa-pkcs8":          {found: "holds an RSA key", way: "ssh-keygen -t ed25519"},
		"rsa-pkcs8-sealed":   {found: "holds an RSA key", way: "ssh-keygen -t ed25519"},
		"ecdsa-openssh":      {found: "holds an ECDSA key", way: "ssh-keygen -t ed25519"},
		"ec":                 {found: "holds an ECDSA key", way: "ssh-keygen -t ed25519"},
		"x25519":             {found: "holds an X25519 key, which cannot sign", way: "ssh-keygen -t ed25519"},
		"ed448":              {found: "holds an Ed448 key", way: "ssh-keygen -t ed25519"},
		"line":               {found: "holds a public key (ssh-ed25519)", way: ".pub"},
		"public":             {found: "holds a public key", way: ".pub"},
		"ssh2":               {found: "holds a public key", way: ".pub"},
		"certificate":        {found: "holds a certificate", way: ".pub"},
		"certificate-line":   {found: "holds a certificate (ssh-ed25519-cert-v01@openssh.com)", way: ".pub"},

		"PuTTY":        {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "holds a key of PuTTY", "puttygen FILE -O private-openssh-new"},
		"age":          {"AGE-SECRET-KEY-1QQQQ\n", "holds a key of age, which cannot sign", "ssh-keygen"},
		"DER":          {string(block.Bytes), "holds bytes of DER, which is no text", "openssl pkey -inform DER"},
		"two keys":     {plain + plain, `holds 2 parts, such as "PRIVATE KEY" and "PRIVATE KEY"`, "leave one private key in it"},
		"with its own": {string(all["refused/certificate"]) + plain, `holds 2 parts, such as "CERTIFICATE" and "PRIVATE KEY"`, "leave one private key in it"},
		"cut second":   {plain + plain[:60], `holds 2 parts, such as "PRIVATE KEY" and others`, "leave one private key in it"},
		"cut":          {plain[:60], "is damaged", ""},
		"bad DER":      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged", ""},
		"no container": {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "is damaged", ""},
		"stranger":     {"-----BEGIN \x1b[2JSTRANGER-----\nAAAA\n-----END \x1b[2JSTRANGER-----\n", `holds "\x1b[2JSTRANGER"`, "ssh-keygen"},
		"text":         {"hello\n", "holds no key", ""},
		"UTF-16":       {"\xff\xfe-\x00-\x00", "is no key as it stands", "UTF-16LE"},
		"other half":   {string(pem.EncodeToMemory(&pem.Block{Type: openSSH.Type, Bytes: forged})), "its public half is not that of its private half", ""},
	} {
		if c.text == "" {
			c.text = string(all["refused/"+name])
		}
		private, err := keyform.Parse([]byte(c.text))
		if err == nil {
			_, err = private.Open([]byte(phrase))
		}
		wrong, ok := errors.AsType[*keyform.FormError](err)
		if !ok || !strings.Contains(wrong.Found, c.found) || !strings.Contains(wrong.Way, c.way) {
			t.Errorf("%s: got %v, want %q and %q", name, err, c.found, c.way)
			continue
		}
		saysNothingOf(t, name, err, c.text)
	}
}

// saysNothingOf wants an error to have none of the lines of a key file, but those that say what it is.
func saysNothingOf(t *testing.T, name string, err error, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) > 3 && !strings.HasPrefix(line, "-") && strings.Contains(err.Error(), line) {
			t.Errorf("%s: the error shows %q of the file: %v", name, line, err)
		}
	}
}

// TestHostileFilesOpenSoon changes what a file asks for before it opens.
func TestHostileFilesOpenSoon(t *testing.T) {
	all := files(t)
	change := func(name string, from, to string) []byte {
		block, _ := pem.Decode(all[name])
		if bytes.Count(block.Bytes, []byte(from)) != 1 {
			t.Fatalf("%s has %q not once", name, from)
		}
		block.Bytes = bytes.Replace(block.Bytes, []byte(from), []byte(to), 1)
		return pem.EncodeToMemory(block)
	}
	for want, text := range map[string][]byte{
		"2147483648 rounds of bcrypt":     change("openssh/aes256-ctr", "\x00\x00\x00\x03\x00\x00\x00\x01", "\x80\x00\x00\x00\x00\x00\x00\x01"),
		"2049 rounds of bcrypt":           change("openssh/aes256-gcm", "\x00\x00\x00\x03\x00\x00\x00\x01", "\x00\x00\x08\x01\x00\x00\x00\x01"),
		"is damaged":                      change("openssh/aes256-cbc", "\x00\x00\x00\x03\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00\x00\x01"),
		"holds 16777216 keys":             change("openssh/plain", "none\x00\x00\x00\x00\x00\x00\x00\x01", "none\x00\x00\x00\x00\x01\x00\x00\x00"),
		"scrypt with N 16384, r 8 and p ": change("pkcs8/scrypt", "\x02\x01\x08\x02\x01\x01", "\x02\x01\x08\x02\x01\x7f"),
		"scrypt with N 16384, r 127 ":     change("pkcs8/scrypt", "\x02\x01\x08\x02\x01\x01", "\x02\x01\x7f\x02\x01\x7f"),
	} {
		if _, err := keyform.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestPublicForms holds the forms of a public key against those of ssh-keygen and openssl.
func TestPublicForms(t *testing.T) {
	all := files(t)
	text := string(all["openssh.pub"])
	private, err := keyform.Parse(all["openssh/plain"])
	if err != nil {
		t.Fatal(err)
	}
	if line := keyform.LineOf(private.Public); line != strings.TrimSuffix(text, " a comment\n") {
		t.Errorf("the line %q, want that of %q", line, text)
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(keyform.PrintOf(private.Public), "SHA256:"))
	if err != nil || len(raw) != 32 {
		t.Errorf("the print %s: %v", keyform.PrintOf(private.Public), err)
	}
	private, err = keyform.Parse(all["pkcs8/plain"])
	if err != nil {
		t.Fatal(err)
	}
	if got := keyform.PEMOf(private.Public); got != string(all["pkcs8.pub"]) {
		t.Errorf("got\n%s, want\n%s", got, all["pkcs8.pub"])
	}
}
