// Package ratelimit limits how many requests each client may make, exactly and across processes: middleware in front of any [http.Handler].
//
//	limiter, err := ratelimit.New(c, &ratelimit.Options{Limits: []cache.Limit{{Requests: 100, Period: time.Minute}}})
//	server.Handler = limiter.Handler(mux)
//
// # What is allowed
//
// A client that was idle may make Requests at once, and then one more whenever Period/Requests has passed: over any time t after it was idle,
// Requests + floor(t·Requests/Period) (GCRA, the generic cell rate algorithm). There are no windows, at whose edge it could make twice as many.
// What is refused takes nothing. Of several limits a request is taken from all or, where one lacks it, from none.
//
// Counting is one call of [cache.Cache.Take]: on Redis one round trip, by the server's clock, so that processes agree whatever their own say.
// A client that is known to be over its limit is refused without asking the store again, for ten seconds at most.
//
// # Who is a client
//
// The address that opened the connection, an IPv6 one by its /64, which is what one subscriber has. X-Forwarded-For is read only where that address is one of
// Options.TrustedProxies, from right to left, up to the first hop that is none. Requests over a unix socket, which have no address, are one client.
// Options.Client may name the client better: a user who has been authenticated, never a field that a client can choose.
//
// # What a client gets
//
// RateLimit-Policy and RateLimit on every answer (draft-ietf-httpapi-ratelimit-headers-11), and beyond the limit 429 with Retry-After and a problem (RFC 9457). Put the
// limiter around a cache of responses, never inside: the answers in it are everybody's.
//
// # When the store fails
//
// Requests are counted in this process, against the same limits, for 10,000 clients at once; those beyond it share one count. Or, with Options.FailClosed,
// they get 503. Each then waits for the store as long as the cache allows (Options.Timeout of the *cache.Cache). A store that is full counts as failed: nobody gets a fresh allowance
// because there is no room to remember the last.
package ratelimit
