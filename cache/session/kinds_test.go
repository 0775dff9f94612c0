package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

// between returns sessions of another name, that have their middleware inside of s's, and the browser of somebody who is alice to both.
func between(t *testing.T, s *service, page http.HandlerFunc) (http.Handler, *http.Request) {
	t.Helper()
	admin, err := session.New(s.cache.Namespace("admin"), &session.Options{Name: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	r := request(http.MethodGet, "/")
	for _, sessions := range []*session.Sessions{s.sessions, admin} {
		cookie, err := sessions.Create(t.Context(), "alice", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(cookie)
	}
	return s.sessions.Handler(admin.Handler(page)), r
}

func TestTheMiddlewareGivesTheSameSessionInsideOfAnothers(t *testing.T) {
	s := serve(t, nil, nil)
	var outer *session.Session
	h, r := between(t, s, func(w http.ResponseWriter, r *http.Request) {
		s.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if inner := session.From(r.Context()); inner != outer {
				t.Error("it is another session")
			}
		})).ServeHTTP(w, r)
	})
	s.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer = session.From(r.Context())
		h.ServeHTTP(w, r)
	})).ServeHTTP(httptest.NewRecorder(), r)
}

func TestALogoutEverywhereInsideOfOtherSessionsEndsTheRequestsOwn(t *testing.T) {
	s := serve(t, nil, nil)
	h, r := between(t, s, func(_ http.ResponseWriter, r *http.Request) {
		if err := s.sessions.LogOutEverywhere(r.Context(), "alice"); err != nil {
			t.Error(err)
		}
		if user, err := session.From(r.Context()).User(r.Context()); user != "alice" || err != nil {
			t.Errorf("the user of the others is %q, %v", user, err)
		}
	})
	w := httptest.NewRecorder()
	s.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, err := session.From(r.Context()).User(r.Context()); user != "alice" || err != nil {
			t.Errorf("the user is %q, %v", user, err)
		}
		h.ServeHTTP(w, r)
		if user, err := session.From(r.Context()).User(r.Context()); user != "" || err != nil {
			t.Errorf("after the logout the user is %q, %v", user, err)
		}
	})).ServeHTTP(w, r)
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Name != cookieName || cookies[0].MaxAge >= 0 {
		t.Errorf("the response sets %v, want that the cookie is dropped", cookies)
	}
}
