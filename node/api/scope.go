package api

// Scope is what a token allows.
type Scope string

// The scopes. ScopeAppend does not imply ScopeRead, which includes ScopeMetrics; ScopeAdmin includes all.
const (
	ScopeRead    Scope = "read"
	ScopeAppend  Scope = "append"
	ScopeMetrics Scope = "metrics"
	ScopeAdmin   Scope = "admin"
)
