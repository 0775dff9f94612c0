package httpcache

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// field is a line of a field of a stored response, one that the handler added to what was there before it.
type field struct {
	name, line string
	more       bool // it comes after the lines that are there, instead of replacing them
}

// isKept reports whether a field belongs to the representation, and not to the connection, the request or the visitor.
func isKept(name string) bool {
	switch name {
	case setCookie, setCookie2, // another visitor's
		connection, "Keep-Alive", "Proxy-Connection", "Te", trailer, "Transfer-Encoding", "Upgrade", // RFC 9110 section 7.6.1
		"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "Authentication-Info", // RFC 9111 section 3.1
		contentLength, // the body's
		ageField,      // counted on
		"X-Request-Id", "X-Correlation-Id", "Request-Id", "Traceparent", "Tracestate", "Server-Timing",
		"X-Csrf-Token", "X-Xsrf-Token":
		return false
	}
	return !strings.HasPrefix(name, "Ratelimit") && !strings.HasPrefix(name, "X-Ratelimit") && !strings.HasPrefix(name, "X-Rate-Limit") &&
		!strings.HasPrefix(name, http.TrailerPrefix)
}

// hasTrailer reports whether a response has trailers, announced or, as net/http allows, not.
func hasTrailer(h http.Header) bool {
	if len(h[trailer]) > 0 {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// fieldsOf returns what a handler has added to the header that it was given, sorted by name, as far as it is kept. withheld names what
// Cache-Control keeps out.
func fieldsOf(h, before http.Header, withheld []string) []field {
	hop := connectionOptions(h)
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lines, old := h[name], before[name]
		if len(lines) == 0 || !isKept(name) || slices.Contains(hop, name) || slices.Contains(withheld, name) || slices.Equal(lines, old) {
			continue
		}
		more := len(old) > 0 && len(lines) > len(old) && slices.Equal(lines[:len(old)], old)
		if more {
			lines = lines[len(old):]
		}
		for i, line := range lines {
			fields = append(fields, field{name: name, line: line, more: more || i > 0})
		}
	}
	return fields
}

// visitorsOwn returns the fields of a header that are not the representation's but this visitor's: what a handler sets with a 304
// goes to whoever asked. withheld names what Cache-Control says is such.
func visitorsOwn(h http.Header, withheld []string) http.Header {
	hop, own := connectionOptions(h), make(http.Header)
	for name, lines := range h {
		switch name {
		case contentLength, ageField, connection, "Transfer-Encoding", trailer, "Keep-Alive", "Te", "Upgrade", "Proxy-Connection":
			continue
		}
		if (!isKept(name) || slices.Contains(withheld, name)) && !slices.Contains(hop, name) {
			own[name] = lines
		}
	}
	return own
}

// connectionOptions are the fields that Connection names: they are of this connection alone.
func connectionOptions(h http.Header) []string {
	var names []string
	for _, line := range h[connection] {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, http.CanonicalHeaderKey(trim(name)))
		}
	}
	return names
}

// apply puts stored fields and others into a header.
func apply(h http.Header, stored []field, others ...field) {
	lines := make([]string, 0, len(stored)+len(others)) // one allocation for all
	put := func(f *field) {
		if old := h[f.name]; f.more && len(old) > 0 {
			h[f.name] = append(old, f.line)
			return
		}
		lines = append(lines, f.line)
		h[f.name] = lines[len(lines)-1 : len(lines) : len(lines)]
	}
	for i := range stored {
		put(&stored[i])
	}
	for i := range others {
		put(&others[i])
	}
}

// reset makes a header what it was.
func reset(h, before http.Header) {
	clear(h)
	maps.Copy(h, before)
}

// without returns a copy of a request's header that lacks some fields.
func without(h http.Header, names ...string) http.Header {
	h = h.Clone()
	for _, name := range names {
		delete(h, name)
	}
	return h
}

// update is what a 304 makes of stored fields (RFC 9111 section 3.2): it replaces those that it has, but for what is about the body that is
// stored, byte for byte, and about the validator by which it was found. Its type may have become more exact.
func update(stored, fresh []field) []field {
	fresh = slices.DeleteFunc(fresh, func(f field) bool {
		switch f.name {
		case etag, "Content-Encoding", contentRange, "Content-Md5", "Content-Digest", "Repr-Digest", "Digest":
			return true
		}
		return false
	})
	kept := slices.DeleteFunc(slices.Clone(stored), func(f field) bool {
		return slices.ContainsFunc(fresh, func(n field) bool { return n.name == f.name })
	})
	kept = append(kept, fresh...)
	slices.SortStableFunc(kept, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return kept
}
