package httpcache

import (
	"net/http"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// terms are the conditions under which a stored response may be used again: its Cache-Control, or what stands in for it, worked out once.
type terms struct {
	lifetime             time.Duration // from when it was generated; Forever
	staleWhileRevalidate time.Duration // RFC 5861 section 3: after lifetime, served while it is refreshed
	staleIfError         time.Duration // RFC 5861 section 4: after lifetime, served where the handler fails
	validate             bool          // no-cache: never used without asking the handler
	neverStale           bool          // must-revalidate, proxy-revalidate, s-maxage: RFC 9111 section 4.2.4
	explicit             bool          // the handler said how long, not the rule nor a heuristic
	forAuthorization     bool          // RFC 9111 section 3.5
	forCookies           bool          // see credentials
}

// control returns the directives that govern a response in this cache: those of its own targeted field, else of CDN-Cache-Control, else
// of Cache-Control (RFC 9213 section 2.2). With a targeted field Expires counts for nothing.
func control(h http.Header, own string) (d directives, targeted bool) {
	for _, name := range [...]string{own, cdnCacheControl} {
		if lines := h[name]; len(lines) > 0 {
			if d, ok := parseTargeted(lines); ok {
				return d, true
			}
		}
	}
	return parseDirectives(h[cacheControl]), false
}

// heuristicFraction of the time since a response was modified is how long it counts as fresh where nothing says how long, and
// maxHeuristic at most. RFC 9111 section 4.2.2 names 10 %; that section suggests a warning beyond a day, as RFC 2616 did.
const (
	heuristicFraction = 10
	maxHeuristic      = 24 * time.Hour
)

// termsOf works out the terms of a response that came at now. ttl is the rule's, 0 where it has none.
func termsOf(d directives, targeted bool, status int, h http.Header, ttl time.Duration, now time.Time) terms {
	t := terms{
		staleWhileRevalidate: max(d.staleWhileRevalidate, 0),
		staleIfError:         max(d.staleIfError, 0),
		validate:             d.noCache,
		neverStale:           d.mustRevalidate || d.proxyRevalidate || d.sharedMaxAge != absent,
		forAuthorization:     d.public || d.sharedMaxAge != absent || d.mustRevalidate,
		forCookies:           d.public || d.sharedMaxAge != absent,
		explicit:             true,
	}
	// RFC 9111 section 4.2.1.
	switch {
	case d.sharedMaxAge != absent:
		t.lifetime = d.sharedMaxAge
	case d.maxAge != absent:
		t.lifetime = d.maxAge
	case !targeted && len(h[expires]) > 0:
		t.lifetime = untilExpiry(h, now)
	case d.noCache:
	default:
		t.explicit = false
		t.lifetime = ttl
		if ttl == 0 && (d.public || isHeuristic(status)) {
			t.lifetime = heuristic(h, now)
		}
	}
	return t
}

// untilExpiry is Expires less Date. An Expires that is no date, or that is there twice with different ones, is in the past (RFC 9111
// section 5.3).
func untilExpiry(h http.Header, now time.Time) time.Duration {
	lines := h[expires]
	for _, line := range lines[1:] {
		if line != lines[0] {
			return 0
		}
	}
	at, err := http.ParseTime(lines[0])
	if err != nil {
		return 0
	}
	return max(at.Sub(dateOf(h, now)), 0)
}

// dateOf is when a response says that it was generated, and now where it does not.
func dateOf(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get(dateField)); err == nil {
		return at
	}
	return now
}

func heuristic(h http.Header, now time.Time) time.Duration {
	modified, err := http.ParseTime(h.Get(lastModified))
	if err != nil {
		return 0
	}
	return min(max(dateOf(h, now).Sub(modified), 0)/heuristicFraction, maxHeuristic)
}

// isHeuristic reports whether a status is cacheable without anything that says so (RFC 9110 section 15.1; 206 is not for this cache).
func isHeuristic(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMultipleChoices, http.StatusMovedPermanently,
		http.StatusPermanentRedirect, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusRequestURITooLong,
		http.StatusNotImplemented:
		return true
	}
	return false
}

// isUnderstood reports whether this cache does with a status what its specification asks of a cache (RFC 9111 section 5.2.2.3).
func isUnderstood(status int) bool {
	switch status {
	case http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusForbidden,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return isHeuristic(status)
}

// initialAge is how old a response was when it came: RFC 9111 section 4.2.3. A first Age line that is no number counts for nothing.
func initialAge(h http.Header, asked, now time.Time) time.Duration {
	age := time.Duration(0)
	if lines := h[ageField]; len(lines) > 0 {
		first, _, _ := strings.Cut(lines[0], ",")
		age, _ = parseDelta(trim(first))
	}
	apparent := max(now.Sub(dateOf(h, now)), 0).Truncate(time.Second) // Date has no fractions
	return max(apparent, age+now.Sub(asked))
}

// keepFor is how long a store keeps a response that is initially age old: while it may be used in any way. What can be validated, or be
// served where the handler fails, is kept for longer than it is fresh.
func (t *terms) keepFor(age, keepStale time.Duration, hasValidator bool) time.Duration {
	if t.lifetime == cache.Forever {
		return cache.Forever
	}
	stale := max(t.staleWhileRevalidate, t.staleIfError)
	if hasValidator {
		stale = max(stale, keepStale)
	}
	fresh := max(t.lifetime-age, 0)
	if stale > cache.Forever-fresh {
		return cache.Forever
	}
	return fresh + stale
}
