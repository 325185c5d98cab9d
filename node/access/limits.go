package access

import "time"

const (
	// lookEvery is how often [Store.Run] looks for what another process has changed, and for what has expired.
	lookEvery = 2 * time.Second
	// maxTokens bounds the tokens of a folder.
	maxTokens = 1000
	// maxName bounds the name of a token, in bytes.
	maxName = 64
	// maxNarrow bounds the kinds, and the subjects, of one token.
	maxNarrow = 32
	// codeFor is how long a sign-in code is good, sessionFor how long a session.
	codeFor    = 2 * time.Minute
	sessionFor = 12 * time.Hour
	// maxCodes bounds the codes that nobody has used, maxSessions the sessions.
	maxCodes    = 16
	maxSessions = 256
	// tryAtOnce is how many codes may be shown at once from one address, and tryEvery after what time one more. maxTriers
	// bounds the addresses that are remembered.
	tryAtOnce = 10
	tryEvery  = time.Second
	maxTriers = 4096
	// sessionName is what a session is called. No token is: it has a space.
	sessionName = "page session"
)
