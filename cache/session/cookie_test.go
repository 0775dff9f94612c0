package session_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/session"
)

func TestTheCookieHasExactlyTheseAttributes(t *testing.T) {
	for name, tc := range map[string]struct {
		options session.Options
		set     string // with the id as *
		drop    string
	}{
		"by default":  {session.Options{}, "__Host-session=*; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"plain http":  {session.Options{Insecure: true}, "session=*; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax", "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
		"a name":      {session.Options{Name: "sid"}, "__Host-sid=*; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax", "__Host-sid=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"strict":      {session.Options{SameSite: http.SameSiteStrictMode}, "__Host-session=*; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Strict", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
		"none":        {session.Options{SameSite: http.SameSiteNoneMode}, "__Host-session=*; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=None", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None"},
		"transient":   {session.Options{Transient: true}, "__Host-session=*; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"a lifetime":  {session.Options{Lifetime: 90 * time.Minute}, "__Host-session=*; Path=/; Max-Age=5400; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"less than s": {session.Options{Lifetime: 1500 * time.Millisecond}, "__Host-session=*; Path=/; Max-Age=2; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // so that no time passes
				b := serve(t, &tc.options, nil).browser()
				if got := b.get("/add?item=apple").cookies(); len(got) != 1 || !fits(got[0], tc.set) {
					t.Errorf("the cookie is %q, want %q", got, tc.set)
				}
				if got := b.get("/add?item=pear").cookies(); len(got) != 0 {
					t.Errorf("a session with an id sets %q", got)
				}
				if got := b.get("/logout").cookies(); len(got) != 1 || got[0] != tc.drop {
					t.Errorf("a logout sets %q, want %q", got, tc.drop)
				}
				if got := b.get("/logout").cookies(); len(got) != 0 {
					t.Errorf("a logout without a cookie sets %q", got)
				}
			})
		})
	}
}

// fits reports whether a cookie is want with an id of 43 characters in the place of *.
func fits(cookie, want string) bool {
	before, after, _ := strings.Cut(want, "*")
	return regexp.MustCompile("^" + regexp.QuoteMeta(before) + "[A-Za-z0-9_-]{43}" + regexp.QuoteMeta(after) + "$").MatchString(cookie)
}

func TestALogoutDropsACookieThatIsWorthNothingToo(t *testing.T) {
	for _, value := range []string{"junk", newID(t), ""} {
		b := serve(t, nil, nil).browser()
		b.cookies[cookieName] = value
		if got := b.get("/logout").cookies(); len(got) != 1 || !strings.Contains(got[0], "Max-Age=0") {
			t.Errorf("with the cookie %q a logout sets %q, want that it is dropped", value, got)
		}
	}
}

func TestARenewedCookieLivesAsLongAsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, &session.Options{IdleTimeout: 24 * time.Hour}, nil).browser()
		b.get("/login?user=alice")
		<-time.After(10 * time.Hour)
		if got := b.get("/renew").cookies(); len(got) != 1 || !strings.Contains(got[0], "; Max-Age=50400;") {
			t.Errorf("Renew sets %q, want Max-Age=50400, the 14 hours that are left", got)
		}
		if got := b.get("/login?user=alice").cookies(); len(got) != 1 || !strings.Contains(got[0], "; Max-Age=86400;") {
			t.Errorf("Login sets %q, want Max-Age=86400, a new lifetime", got)
		}
	})
}

// TestAnIDThatTheStoreDoesNotKnowIsNeverTakenOver is against session fixation.
func TestAnIDThatTheStoreDoesNotKnowIsNeverTakenOver(t *testing.T) {
	id := newID(t)
	for name, planted := range map[string]string{
		"unknown":             id,
		"empty":               "",
		"short":               id[:42],
		"long":                id + "A",
		"padded":              id + "=",
		"of another alphabet": strings.Repeat("+", 43),
		"a number":            "1",
		"the hash's key":      "s." + id[:41],
		"null":                "null",
	} {
		for _, url := range []string{"/add?item=apple", "/set?item=apple", "/login?user=alice"} {
			s := serve(t, nil, nil)
			r := request(http.MethodGet, url, "Cookie", cookieName+"="+planted)
			a := s.send(r)
			if len(a.Cookies()) != 1 || a.Cookies()[0].Value == planted || len(a.Cookies()[0].Value) != 43 {
				t.Errorf("%s id, %s: the response sets %q, want a new id", name, url, a.cookies())
			}
			victim := s.browser()
			victim.cookies[cookieName] = planted
			victim.want(":")
		}
	}
}

func TestOtherSpellingsOfAnIDAreNone(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/add?item=apple")
	id := b.id()
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != 32 {
		t.Fatalf("the id is %q, want 32 bytes of base64url", id)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, id[42])
	others := []string{strings.ToUpper(id), strings.ToLower(id), id + "=", `"` + id + `"`, " " + id + "x", id[:42] + string(alphabet[last|1]), id[:42] + string(alphabet[last|3]), base64.StdEncoding.EncodeToString(raw)}
	for _, other := range others {
		if a := s.send(request(http.MethodGet, "/show", "Cookie", cookieName+"="+other)); a.body != ":" {
			t.Errorf("%q is good for the session of %q", other, id)
		}
	}
	b.want(":apple")
}

func TestOfSeveralCookiesTheFirstWellFormedOneCounts(t *testing.T) {
	s := serve(t, nil, nil)
	b, c := s.browser(), s.browser()
	b.get("/add?item=apple")
	c.get("/add?item=pear")
	one, other := cookieName+"="+b.id(), cookieName+"="+c.id()
	for _, tc := range []struct {
		fields []string // Cookie
		want   string
	}{
		{[]string{one + "; " + other}, ":apple"},
		{[]string{other + "; " + one}, ":pear"},
		{[]string{cookieName + "=junk; " + one}, ":apple"},
		{[]string{"a=b;" + one + ";c=d"}, ":apple"},
		{[]string{"a=b", one}, ":apple"}, // two fields, as HTTP/2 allows
		{[]string{"a=b; \t" + one + " "}, ":apple"},
		{[]string{";;=;" + one}, ":apple"},
		{[]string{"x" + one}, ":"},
		{[]string{strings.ToLower(one)}, ":"},
		{[]string{cookieName + "=" + newID(t) + "; " + one}, ":"}, // well-formed, though the store does not know it
		{[]string{cookieName}, ":"},
	} {
		r := request(http.MethodGet, "/show")
		r.Header["Cookie"] = tc.fields
		if a := s.send(r); a.body != tc.want {
			t.Errorf("%q is good for %q, want %q", tc.fields, a.body, tc.want)
		}
	}
}

func newID(t *testing.T) string {
	t.Helper()
	b := serve(t, nil, nil).browser()
	b.get("/add?item=x")
	return b.id()
}
