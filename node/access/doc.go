// Package access says who may do what at a node that is asked over the network: its tokens.
//
//	D/tokens.json   what each token allows and its hash, mode 0600; no secret
//	D/tickets.key   the key that tickets are made with, mode 0600
//
// A [Store] is the tokens of one folder. [Store.Create] makes one and returns its secret, which is kept nowhere;
// [Store.Check] returns for a secret the [Grant] of its token: what it allows, and until when. A ticket stands for a
// token in a URL, where a browser can show nothing else: [Store.Ticket] makes one for one path and query, to read for
// at most [api.MaxTicket], and [Store.CheckTicket] returns the grant for it.
//
//	secret = quipu_ ‖ base32(32 random bytes ‖ first 4 bytes of their checksum)
//	ticket = quipu_ticket_ ‖ base32(first 8 bytes of the token's hash ‖ expires (8) ‖ HMAC-SHA-256)
//
// A secret is looked up by the first bytes of its hash and then compared in constant time, so that how long a check
// takes says nothing of the secrets or the names that there are. A ticket is void with its token, since the token's
// hash is under its HMAC, and the next token of that name has another.
//
// Whoever opens the page of a node signs in with a code that [Store.SignIn] makes, for which [Store.Exchange] gives, once and
// within two minutes, the secret of a session: like a token of scope read for twelve hours, kept in memory alone.
//
// A grant ends when its token expires or is revoked, by this process or by another that writes the file:
// [Store.Run] looks every [lookEvery]. A file that is damaged, or was changed by hand, is told and changes nothing:
// the tokens that were known go on, and none is made or revoked until the file is put right.
//
// The package knows nothing of HTTP, and prints no secret: no error and no String has one.
package access
