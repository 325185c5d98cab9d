package keyform

// MaxFile is how many bytes the text of a key file may have. The largest RSA key that ssh-keygen makes fits: it
// is to be named as what it is.
const MaxFile = 16 << 10

// What a file may ask for when it is opened. Each bound is a few seconds of one processor, and many times what
// ssh-keygen and openssl ask for unless they are told to.
const (
	maxIterations   = 10_000_000 // of PBKDF2; openssl: 2,048
	maxScryptMemory = 256 << 20  // bytes, 128·r·(N+p); openssl: 16 MiB
	maxScryptWork   = 1 << 30    // bytes, 128·N·r·p; openssl: 16 MiB
	maxRounds       = 2048       // of bcrypt, which is what x/crypto/ssh allows; ssh-keygen: 16 to 24
)

// What [Seal] asks for. OpenSSL reads scrypt up to 32 MiB only, and other programs not at all, so a PKCS#8 file is
// sealed by PBKDF2, hashed as often as OWASP advised in 2023.
const (
	sealIterations = 600_000
	saltSize       = 16 // bytes
)
