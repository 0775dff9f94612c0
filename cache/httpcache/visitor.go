package httpcache

import (
	"net/http"
	"slices"
)

// visitor is what a request says about who asks.
type visitor struct {
	authorized bool // Authorization, or a certificate of the client's
	cookies    bool // any but those to ignore
}

func (c *Cache) visitorOf(r *http.Request) visitor {
	v := visitor{authorized: len(r.Header[authorization]) > 0 || r.TLS != nil && len(r.TLS.PeerCertificates) > 0}
	if len(r.Header[cookieField]) > 0 {
		v.cookies = len(c.ignored) == 0 || slices.ContainsFunc(r.Cookies(), func(k *http.Cookie) bool { return !slices.Contains(c.ignored, k.Name) })
	}
	return v
}

// isCertain reports whether it is somebody whom the handler may know.
func (v visitor) isCertain() bool { return v.authorized || v.cookies }

// mayShare reports whether a response under these terms may go from or to this visitor and to others: RFC 9111 section 3.5, and the same for
// cookies, by which most handlers know who asks.
func (v visitor) mayShare(t *terms) bool {
	return (!v.authorized || t.forAuthorization) && (!v.cookies || t.forCookies)
}
