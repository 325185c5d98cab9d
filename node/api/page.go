package api

import "time"

// PageCode is a sign-in code, with which a page gets a session once.
type PageCode struct {
	Code    string    `json:"code"`    // 256 bits, as what stands behind the # of the page's address
	Expires time.Time `json:"expires"` // from when on it is no good any more
}

// SessionRequest asks for a session.
type SessionRequest struct {
	Code string `json:"code"` // what POST /v1/page/codes has answered
}

// Session lets a page read, as long as the node runs.
type Session struct {
	Token   string    `json:"token"`   // what the page shows, as any token
	Expires time.Time `json:"expires"` // from when on it is no good any more
}

// SignedOut says how many sessions have ended.
type SignedOut struct {
	Sessions int `json:"sessions"` // how many they were
}
