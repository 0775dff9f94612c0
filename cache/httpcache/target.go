package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// target is what a request asks for: the key of its responses.
type target struct {
	raw  []byte // its text; stored with each response and compared
	base string // what the store's key is made of
}

func (t target) text() string { return string(t.raw) }

// maxTarget is how long a text may be. What is longer is not cached: it would be stored with every response.
const maxTarget = 8 << 10

// targetOf returns the target of r under a rule, and false where it has none. Its text takes the place of what buffer holds.
//
// The text has the scheme, the host and the request target as it came, byte for byte, each with its length before it, so that no choice of one
// reads as another: /a?b=1 is not /ab=1, %2F is not /, /a? is not /a and /A is not /a. A URL that a middleware has changed is in it beside the one that
// came, unless it is the end of that one, as [http.StripPrefix] leaves it.
func targetOf(buffer []byte, r *http.Request, own func(*http.Request) string) (target, bool) {
	b := buffer[:0]
	if own != nil {
		text := own(r)
		if text == "" {
			return target{}, false
		}
		b = appendPart(append(b, 'k'), text)
	} else {
		came := originForm(r)
		b = appendPart(append(b, 'u'), schemeOf(r))
		b = appendPart(b, hostOf(r))
		b = appendPart(b, came)
		if !isPlain(r.URL, came) {
			if url := r.URL.RequestURI(); !strings.HasSuffix(came, url) {
				b = appendPart(b, url)
			}
		}
	}
	if len(b) > maxTarget {
		return target{}, false
	}
	return newTarget(b), true
}

// originForm is the request target as it came, without the scheme and the host of the absolute form (RFC 9112 section 3.2.2) where these are the connection's and
// the request's. The rest is taken from the text: to parse it would make one of what handlers and those who show it tell apart, such as no path and /.
func originForm(r *http.Request) string {
	came := r.RequestURI
	switch {
	case came == "": // a request that no server has read
		return r.URL.RequestURI()
	case came[0] == '/':
		return came
	}
	scheme, rest, _ := strings.Cut(came, "://")
	if !strings.EqualFold(scheme, schemeOf(r)) {
		return came
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if normalHost(rest[:end], schemeOf(r)) != hostOf(r) {
		return came
	}
	return rest[end:]
}

// isPlain reports whether came is the path of u without anything that is escaped or a query, or with that query: what the more expensive
// comparison would find too.
func isPlain(u *url.URL, came string) bool {
	if u.RawPath != "" || !strings.HasPrefix(came, u.Path) || strings.Contains(u.Path, "%") {
		return false
	}
	rest := came[len(u.Path):]
	if u.RawQuery == "" && !u.ForceQuery {
		return rest == ""
	}
	return rest != "" && rest[0] == '?' && rest[1:] == u.RawQuery
}

func newTarget(raw []byte) target {
	sum := sha256.Sum256(raw)
	var b [43]byte
	base64.RawURLEncoding.Encode(b[:], sum[:])
	return target{raw: raw, base: string(b[:])}
}

func appendPart(b []byte, part string) []byte {
	b = strconv.AppendInt(append(b, ' '), int64(len(part)), 10)
	return append(append(b, ':'), part...)
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// hostOf is the host of a request in its normal form: lower case and without the scheme's own port (RFC 9110 section 4.2.3).
func hostOf(r *http.Request) string { return normalHost(r.Host, schemeOf(r)) }

func normalHost(host, scheme string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// sibling returns r as it would be for another URI of the same origin, as Location and Content-Location name them (RFC 9111 section 4.4),
// and nil where the reference is to another origin or is none.
func sibling(r *http.Request, reference string) *http.Request {
	if reference == "" {
		return nil
	}
	to, err := url.Parse(reference)
	if err != nil || to.Opaque != "" {
		return nil
	}
	scheme := schemeOf(r)
	came := r.URL
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil { // what the client sees, whatever a middleware has made of it
		came = u
	}
	base := &url.URL{Scheme: scheme, Host: r.Host, Path: came.Path, RawPath: came.RawPath, RawQuery: came.RawQuery}
	to = base.ResolveReference(to)
	if !strings.EqualFold(to.Scheme, scheme) || normalHost(to.Host, scheme) != hostOf(r) {
		return nil
	}
	to.Scheme, to.Host, to.User, to.Fragment = "", "", nil, ""
	s := r.WithContext(r.Context())
	s.Method, s.URL, s.RequestURI = http.MethodGet, to, to.RequestURI()
	return s
}
