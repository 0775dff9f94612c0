// Package httpcache is a shared HTTP cache inside the origin: middleware that answers requests from stored responses as RFC 9111 has it, in front of
// any [http.Handler].
//
//	responses, err := httpcache.New(c, nil)
//	mux.Handle("/pages/", responses.Handler(pages))
//
// Nothing is cached that is not behind it. What is, is cached for as long as the handler's Cache-Control or Expires says, or, by a [Rule], for a
// lifetime where they say nothing.
//
// # What is stored
//
// Responses to GET that RFC 9111 section 3 lets a shared cache store, and of these none that
//
//   - sets a cookie, also if a middleware outside has set it by then;
//   - answers a request with Authorization, a client's certificate or a cookie, unless it says that it is for all: public or s-maxage, for Authorization also
//     must-revalidate, for cookies also Vary: Cookie. Fields such as X-Api-Key, X-Auth-Token and Remote-User count as Authorization; a name of your own does not, and
//     belongs into Vary or Rule.Key;
//   - says no-store, private or Vary: *, is a 206 or a part of anything, or answers a request that says no-store;
//   - is an error (500 and above) unless [Rule.Filter] is given, streams (a handler's Flush, an event stream), has trailers, or is longer than Options.MaxBodyBytes;
//   - names in Access-Control-Allow-Origin the page that asked, without Vary: Origin;
//   - was not sent whole: the handler panicked or wrote less than its Content-Length, or the client had gone.
//
// Of its fields those are stored that the handler set, or something inside of the cache did, and that belong to the representation: none
// of the connection, nor request ids, rate limits, CSRF tokens and the like. What middleware outside of the cache sets is set anew for each request.
// So what a handler makes of a session that is kept on the server is seen here only where the sessions' middleware is inside of the cache too: use that of cache/session on both sides.
//
// # The key
//
// Scheme, host, path and query as the client sent them: nothing is lower-cased but the host, nothing is decoded or sorted. The text
// is stored with each response and compared. Fields that Vary names tell responses apart, and so do, named or not, the fields with which a request says what URL, host or method it is
// about (X-Forwarded-Host, X-Original-URL, X-HTTP-Method-Override …), for handlers read them without saying so. A request with a body is not answered from the cache.
//
// # What is served
//
// A response that is fresh, or stale within its stale-while-revalidate, while one request in the background refreshes it. One that is stale is validated with the
// handler's own validators; where the handler answers 500, 502, 503 or 504 it is served within its stale-if-error. Clients' no-cache and max-age are
// ignored unless Options.ObeyClients is set. Every answer has Cache-Status (RFC 9211), those from the store Age. If-None-Match, If-Modified-Since, Range and HEAD are answered from the stored 200; it gets an
// ETag where the handler gave none.
//
// Requests for a URL of which nothing is stored wait for one call of the handler, until five seconds after it began. Where its header says that the response cannot be shared
// each calls for itself then, and for half a minute to a minute nobody waits for this URL again. Nobody who comes after a change waits for a call from before.
//
// # Invalidation
//
// A request with a method that is not known to be safe, answered by a status from 200 to 399, makes misses of the responses for its URL and for those that Location and
// Content-Location name, of the same origin (RFC 9111 section 4.4), and of the groups in Cache-Group-Invalidation (RFC 9875). It does so before the client gets the
// first byte, so the handler must have made its change by then. [Cache.InvalidateTags] and [Cache.InvalidateGroups] do it from anywhere. A
// response that a handler was making at the time is not stored, and who comes after the change does not wait for it. Between processes that holds as far as
// their clocks agree, for groups and tags; for URLs it holds exactly.
//
// # When the store fails
//
// A request waits for the store no longer than Options.Timeout, and then for the handler as if there were no cache. A value that is damaged or of
// another version is a miss. Responses are stored while nobody waits, and an invalidation that takes longer goes on when its request has been answered. A store that ignores its context and turns from quick to hanging
// delays the requests that are reading from it at that moment; all others are served.
//
// # Memory
//
// A response takes up to Options.MaxBodyBytes while it is recorded, and twice that while it is stored. Bodies stream to the client meanwhile; up to 2 KiB are held back, as
// net/http does it, until there is more, a Flush, or the end.
package httpcache
