package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

type person struct{ name string }

// people are those who may use a service.
func people(_ context.Context, user string) (person, error) {
	switch user {
	case "trouble":
		return person{}, errors.New("the people cannot be read")
	case "gone":
		return person{}, session.ErrNoUser
	}
	return person{"Mx " + user}, nil
}

// guard puts an Auth between the sessions and pages that say who is there.
func guard(t *testing.T, o *session.AuthOptions) *service {
	t.Helper()
	s := serve(t, nil, nil)
	if o == nil {
		o = &session.AuthOptions{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	auth, err := session.Authenticate(people, o)
	if err != nil {
		t.Fatal(err)
	}
	open, closed := s.handler, auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := session.UserOf[person](r.Context())
		if ok != (p.name != "") {
			t.Errorf("UserOf gives %+v, %v", p, ok)
		}
		_, _ = io.WriteString(w, "hello "+p.name)
	}))
	s.handler = s.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" || r.URL.Path == "/show" || r.URL.Path == "/add" {
			open.ServeHTTP(w, r)
			return
		}
		closed.ServeHTTP(w, r)
	}))
	return s
}

func TestWhoHasLoggedInIsLetThrough(t *testing.T) {
	b := guard(t, nil).browser()
	b.get("/login?user=alice")
	if a := b.get("/private"); a.StatusCode != http.StatusOK || a.body != "hello Mx alice" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %q, %v", a.Status, a.body, a.Header)
	}
}

func TestWhoHasNotLoggedInGetsA401(t *testing.T) {
	s := guard(t, nil)
	visitor, junk, nobody := s.browser(), s.browser(), s.browser()
	junk.cookies[cookieName] = newID(t)
	nobody.get("/add?item=a")
	for name, b := range map[string]*browser{"without a cookie": visitor, "with an unknown one": junk, "with a session without a user": nobody} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PROPFIND"} { // nothing is exempt
			a := s.send(b.request(method, "/private"))
			if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Www-Authenticate") != "Session" || len(a.cookies()) > 0 {
				t.Errorf("%s %s: %s, %v", method, name, a.Status, a.Header)
			}
			if method != "HEAD" && !strings.Contains(a.body, `"status":401`) || a.Header.Get("Vary") != "Cookie" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %q, %v", method, name, a.body, a.Header)
			}
		}
	}
	nobody.want(":a") // the session stays
}

func TestTheSessionOfAUserWhoIsNoMoreEnds(t *testing.T) {
	s := guard(t, nil)
	b := s.browser()
	b.get("/login?user=gone")
	if a := b.get("/private"); a.StatusCode != http.StatusUnauthorized || b.id() != "" {
		t.Errorf("%s, %q", a.Status, a.cookies())
	}
	s.wantUsers()
}

func TestAUserWhoCannotBeLoadedIsA503AndStaysLoggedIn(t *testing.T) {
	var log bytes.Buffer
	s := guard(t, &session.AuthOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	b := s.browser()
	b.get("/login?user=trouble")
	if a := b.get("/private"); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `"status":503`) || strings.Contains(a.body, "people") {
		t.Errorf("%s, %q", a.Status, a.body)
	}
	if !strings.Contains(log.String(), "the people cannot be read") {
		t.Errorf("the log has %q", log.String())
	}
	b.want("trouble:")
}

func TestAStoreThatFailsIsA503OfTheAuthToo(t *testing.T) {
	s := guard(t, nil)
	b := s.browser()
	for _, user := range []string{"alice", "gone"} {
		b.get("/login?user=" + user)
		for at := range 2 {
			s.spy.during(func(n int, _, _ string) error {
				if n >= at && (user == "gone" || at == 0) {
					return errDown
				}
				return nil
			}, func() {
				a := b.get("/private")
				if want := user == "gone" || at == 0; want != (a.StatusCode == http.StatusServiceUnavailable) {
					t.Errorf("%s, at operation %d: %s", user, at, a.Status)
				}
			})
		}
	}
}

func TestAuthWithoutSessionsIsA500(t *testing.T) {
	var log bytes.Buffer
	auth, err := session.Authenticate(people, &session.AuthOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil, nil)
	s.handler = auth.Handler(s.handler)
	if a := s.browser().get("/show"); a.StatusCode != http.StatusInternalServerError || !strings.Contains(log.String(), "(*session.Sessions).Handler") {
		t.Errorf("%s, and the log has %q", a.Status, log.String())
	}
}

func TestUserOfIsFalseElsewhere(t *testing.T) {
	if p, ok := session.UserOf[person](context.Background()); ok || p.name != "" {
		t.Errorf("%+v, %v", p, ok)
	}
	s := guard(t, nil)
	auth, err := session.Authenticate(people, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.get("/login?user=alice")
	s.handler = s.sessions.Handler(auth.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := session.UserOf[*person](r.Context()); ok {
			t.Error("a user of another type is found")
		}
	})))
	b.get("/private")
}

func TestPathsAndMethodsMayBeExempt(t *testing.T) {
	s := guard(t, &session.AuthOptions{Exempt: []string{"/", "/about", "/files/", "/public/*", "/café"}, ExemptMethods: []string{"OPTIONS", "M-SEARCH"}})
	for target, exempt := range map[string]bool{
		"/": true, "/about": true, "/about?x=/private": true, "/files/": true, "/public/": true, "/public/a": true, "/public/a/b": true, "/public/a/": true, "/caf%C3%A9": true, "/public/a%20b": true,
		"/about/": false, "/About": false, "/about/x": false, "/files": false, "/files/x": false, "/public": false, "/publicity": false, "/Public/a": false, "/private": false,
		"/public/../private": false, "/public/./a": false, "/public//a": false, "//public/a": false, "/public/a//": false, "/public/..": false, "/./about": false, "//about": false,
		"/public/%2e%2e/private": false, "/public%2Fa": false, "/public/..%2fprivate": false, "/public/%2E%2E%2Fprivate": false, "/%61bout": false, "/public/%61": false,
		"/public/a%5Cb": false, "/public/..%5cprivate": false, "/public/%252e%252e/private": false, "/public/a%25": false, "/public;/../private": false, "/*": false,
	} {
		a := s.send(request(http.MethodGet, "http://a"+target))
		if got := a.StatusCode == http.StatusOK; got != exempt {
			t.Errorf("%s is answered %s, want it to be exempt: %v", target, a.Status, exempt)
		}
		if exempt && (a.Header.Get("Cache-Control") != "" || a.body != "hello ") {
			t.Errorf("%s: %q, %v: the session was used", target, a.body, a.Header)
		}
	}
	for method, want := range map[string]int{"OPTIONS": 200, "M-SEARCH": 200, "options": 401, "GET": 401, "HEAD": 401} {
		if a := s.send(request(method, "/private")); a.StatusCode != want {
			t.Errorf("%s is answered %s, want %d", method, a.Status, want)
		}
	}
	star := request(http.MethodGet, "/")
	star.URL = &url.URL{Path: "*"} // OPTIONS * has no path
	if a := s.send(star); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("* is answered %s", a.Status)
	}
}

func TestAuthenticateRefusesWhatCannotBeMeant(t *testing.T) {
	if _, err := session.Authenticate[person](nil, nil); err == nil || err.Error() != "session: authenticate: load is nil" {
		t.Errorf("a nil load: %v", err)
	}
	for _, path := range []string{"", "about", "*", "/*", "/a*", "/a/*/b", "/a/**", "/a/../b", "/./a", "//a", "/a//*", `/a\b`, "/a%2Fb", "/%61"} {
		if _, err := session.Authenticate(people, &session.AuthOptions{Exempt: []string{"/ok", path}}); err == nil || !strings.Contains(err.Error(), "AuthOptions.Exempt: the path is") {
			t.Errorf("the path %q: %v", path, err)
		}
	}
	for _, method := range []string{"", "get", "GET,HEAD", "GET ", "*"} {
		if _, err := session.Authenticate(people, &session.AuthOptions{ExemptMethods: []string{method}}); err == nil || !strings.Contains(err.Error(), "AuthOptions.ExemptMethods has") {
			t.Errorf("the method %q: %v", method, err)
		}
	}
}
