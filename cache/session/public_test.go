package session_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

// late is a page that reads the session when its response has begun without.
func late(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello ")
		if user, err := session.From(r.Context()).User(r.Context()); user != "" || !errors.Is(err, session.ErrCommitted) {
			t.Errorf("the page that anybody may get has the user %q, %v", user, err)
		}
		if name, err := session.Get[string](r.Context()); name != "" || !errors.Is(err, session.ErrCommitted) {
			t.Errorf("the page that anybody may get has the data %q, %v", name, err)
		}
	}
}

// loadAny finds every user.
func loadAny(_ context.Context, user string) (string, error) { return user, nil }

// ofAlice is a request with a session that has a user and data.
func ofAlice(t *testing.T, s *session.Sessions) *http.Request {
	t.Helper()
	cookie, err := s.Create(t.Context(), "alice", "Alice")
	if err != nil {
		t.Fatal(err)
	}
	r := request(http.MethodGet, "/")
	r.AddCookie(cookie)
	return r
}

func TestAResponseThatHasBegunForAnybodyGetsNothingOfTheSession(t *testing.T) {
	looks := map[string]func(r *http.Request){
		"a limiter that peeks": func(r *http.Request) { _, _ = session.From(r.Context()).PeekUser(r.Context()) },
		"a guard that reads":   func(r *http.Request) { _, _ = session.From(r.Context()).User(r.Context()) },
	}
	for name, look := range looks {
		t.Run(name+" outside of the second middleware", func(t *testing.T) {
			s, _, h := nested(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { look(r); next.ServeHTTP(w, r) })
			}, late(t))
			h.ServeHTTP(httptest.NewRecorder(), ofAlice(t, s))
		})
	}
	t.Run("a limiter that peeks, and one middleware", func(t *testing.T) {
		s := serve(t, nil, nil)
		s.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			looks["a limiter that peeks"](r)
			late(t)(w, r)
		})).ServeHTTP(httptest.NewRecorder(), ofAlice(t, s.sessions))
	})
}

// As a cache of responses does that is told so by the page.
func TestACookieForWhatWasWrittenOutsideOfAPageIsNotInThePagesHeader(t *testing.T) {
	for name, write := range map[string]func(r *http.Request) error{
		"to be stored": func(r *http.Request) error { return session.Set(r.Context(), "first visit") },
		"stored": func(r *http.Request) error {
			return errors.Join(session.Set(r.Context(), "x"), session.From(r.Context()).Save(r.Context()))
		},
		"ended": func(r *http.Request) error { return session.From(r.Context()).Destroy(r.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			var inner http.Header
			s, _, h := nested(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := write(r); err != nil {
						t.Error(err)
					}
					seen(&inner)(next).ServeHTTP(w, r)
				})
			}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "public, max-age=60")
				_, _ = io.WriteString(w, "page")
			})
			r := ofAlice(t, s)
			if name != "ended" {
				r = request(http.MethodGet, "/")
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if inner.Get("Set-Cookie") != "" || inner.Get("Cache-Control") != "public, max-age=60" {
				t.Errorf("between: %v", inner)
			}
			if len(w.Header()["Set-Cookie"]) != 1 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("the client: %v", w.Header())
			}
		})
	}
}

func TestAPageThatKnowsForWhomItWasLetThroughIsPrivate(t *testing.T) {
	auth, err := session.Authenticate(loadAny, nil)
	if err != nil {
		t.Fatal(err)
	}
	var inner http.Header
	s, _, h := nested(t, func(next http.Handler) http.Handler { return auth.Handler(seen(&inner)(next)) }, func(w http.ResponseWriter, r *http.Request) {
		user, _ := session.UserOf[string](r.Context())
		_, _ = io.WriteString(w, "hello "+user)
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, ofAlice(t, s))
	if inner.Get("Cache-Control") != "no-store" || w.Body.String() != "hello alice" {
		t.Errorf("between: %v; the client: %q", inner, w.Body)
	}
}

func TestAPageThatHasBegunForAnybodyDoesNotKnowForWhomItWasLetThrough(t *testing.T) {
	auth, err := session.Authenticate(loadAny, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, _, h := nested(t, auth.Handler, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "hello ")
		if user, ok := session.UserOf[string](r.Context()); ok || user != "" {
			t.Errorf("it is %q", user)
		}
	})
	h.ServeHTTP(httptest.NewRecorder(), ofAlice(t, s))
}
