package api

// MaxLine bounds a line of a stream, in bytes, its end not counted: an entry whose payload is all
// characters that JSON writes as six has room, and then some.
const MaxLine = 8 << 20
