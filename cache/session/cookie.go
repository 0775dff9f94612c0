package session

import (
	"net/http"
	"strings"
	"time"
)

// cookie says what the cookie is like.
type cookie struct {
	name      string
	insecure  bool
	sameSite  http.SameSite
	transient bool
}

// read returns the first well-formed id that came under the cookie's name, "" for none, and whether a cookie of that name came at all.
//
// There can be several: another host of the same domain can add its own where the name has no "__Host-". Which comes first is up to the browser.
func (c *cookie) read(h http.Header) (id string, came bool) {
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !ok || name != c.name {
				continue
			}
			if came = true; isID(value) {
				return value, true
			}
		}
	}
	return "", came
}

// of returns the cookie with an id that is good for a lifetime.
func (c *cookie) of(id string, life time.Duration) *http.Cookie {
	made := &http.Cookie{Name: c.name, Value: id, Path: "/", Secure: !c.insecure, HttpOnly: true, SameSite: c.sameSite}
	if !c.transient {
		made.MaxAge = max(1, int((life+time.Second-1)/time.Second))
	}
	return made
}

// none returns the cookie that removes it: the same but for Max-Age, which is 0.
func (c *cookie) none() *http.Cookie {
	return &http.Cookie{Name: c.name, Path: "/", MaxAge: -1, Secure: !c.insecure, HttpOnly: true, SameSite: c.sameSite} // -1 is "Max-Age=0"
}
