package httpcache

import (
	"net/http"
	"slices"
	"strings"
)

// visitor is what a request says about who asks.
type visitor struct {
	authorized bool // Authorization, a field that handlers take for it, or a certificate of the client's
	cookies    bool // any but those to ignore
}

func (c *Cache) visitorOf(r *http.Request) visitor {
	v := visitor{authorized: r.TLS != nil && len(r.TLS.PeerCertificates) > 0}
	for name := range r.Header {
		if isCredential(name) {
			v.authorized = true
			break
		}
	}
	if len(r.Header[cookieField]) > 0 {
		v.cookies = len(c.ignored) == 0 || slices.ContainsFunc(r.Cookies(), func(k *http.Cookie) bool { return !slices.Contains(c.ignored, k.Name) })
	}
	return v
}

// isCredential reports whether a field of a request says who asks. Beside Authorization these are the fields that API keys come in, and those in which
// a proxy tells whom it has authenticated.
func isCredential(name string) bool {
	switch name {
	case authorization, "Proxy-Authorization", "Api-Key", "Apikey", "Dpop", "Remote-User", "Private-Token", "X-Forwarded-Client-Cert", "Ssl-Client-Cert":
		return true
	}
	for _, prefix := range [...]string{"X-Auth-", "X-Amzn-Oidc-", "X-Ms-Client-Principal", "Cf-Access-", "X-Goog-Authenticated-User-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	if !strings.HasPrefix(name, "X-") {
		return false
	}
	for _, suffix := range [...]string{"-Key", "-Token", "-User", "-Assertion", "-Secret", "-Session", "-Jwt", "-Client-Cert"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// isCertain reports whether it is somebody whom the handler may know.
func (v visitor) isCertain() bool { return v.authorized || v.cookies }

// mayShare reports whether a response under these terms may go from or to this visitor and to others: RFC 9111 section 3.5, and the same for
// cookies, by which most handlers know who asks.
func (v visitor) mayShare(t *terms) bool {
	return (!v.authorized || t.forAuthorization) && (!v.cookies || t.forCookies)
}
