package httpcache

import (
	"net/http"
	"strconv"
	"time"
)

// report is what this cache tells in Cache-Status of what it did (RFC 9211).
type report struct {
	hit       bool
	forward   string // why the handler was asked: RFC 9211 section 2.2
	status    int    // that the handler answered where the client got another; else 0
	hasTTL    bool
	ttl       time.Duration
	stored    bool
	collapsed bool
	detail    string // a token
}

// add appends the member for this cache to the field: what a cache nearer to the origin has said comes first.
func (s *report) add(h http.Header, name string) {
	h[cacheStatus] = append(h[cacheStatus], s.member(name))
}

// member is what this cache tells.
func (s *report) member(name string) string {
	b := make([]byte, 0, 64)
	b = append(b, name...)
	if s.hit {
		b = append(b, "; hit"...)
	}
	if s.forward != "" {
		b = append(append(b, "; fwd="...), s.forward...)
	}
	if s.status != 0 {
		b = strconv.AppendInt(append(b, "; fwd-status="...), int64(s.status), 10)
	}
	if s.hasTTL && s.ttl != forever {
		b = strconv.AppendInt(append(b, "; ttl="...), wholeSeconds(s.ttl), 10)
	}
	if s.stored {
		b = append(b, "; stored"...)
	}
	if s.collapsed {
		b = append(b, "; collapsed"...)
	}
	if s.detail != "" {
		b = append(append(b, "; detail="...), s.detail...)
	}
	return string(b)
}

// wholeSeconds rounds away from zero, so that above it is what is fresh, and at it or below what is not.
func wholeSeconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	switch {
	case d%time.Second == 0:
		return s
	case d < 0:
		return s - 1
	}
	return s + 1
}
