// Package keyform is the forms in which an Ed25519 key is written, for people and for other programs:
//
//	private  PKCS#8 in PEM, as openssl writes it     plain, or sealed by a passphrase (PBES2)
//	         OpenSSH's own form, as ssh-keygen does  plain, or sealed by a passphrase (bcrypt)
//	public   OpenSSH's line, PKIX in PEM, OpenSSH's SHA-256 print
//
// [Parse] reads the text of a key file into a [Private], which says what can be told of it without the
// passphrase: in which [Form] it is, whether it is sealed, and, where the form shows it, whose key it is.
// [Private.Open] returns the key. [Plain] and [Seal] write one. [LineOf], [PEMOf] and [PrintOf] are the forms
// of a public key.
//
// A walk: the text of a file that ssh-keygen has made with a passphrase has one PEM block. Parse finds
// OpenSSH's container in it, takes the type and the public key from its open part, and refuses a cipher that
// cannot be undone and a number of rounds that would keep the caller busy for long. Open derives the key of the
// cipher from the passphrase, and wants what it finds to be the private half of that public key.
//
//	Parse ─ block ─┬─ PRIVATE KEY            PKCS#8        ┐
//	               ├─ ENCRYPTED PRIVATE KEY  PKCS#8, PBES2 ├─ Private ─ Open ─ ed25519.PrivateKey
//	               └─ OPENSSH PRIVATE KEY    OpenSSH       ┘
//	               else a FormError: what it is, and what to do
//
// Whatever else a file turns out to be is a [FormError], and nothing of what a file or a passphrase holds ever
// stands in an error. What a file may cost is bounded in limits.go, since what stands in it decides how often a
// passphrase is hashed.
//
// The package reads and writes no files, asks nobody, and logs nothing.
package keyform
