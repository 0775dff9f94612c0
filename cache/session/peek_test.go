package session_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// peek is a page that does not use the session but for a look at its user, as a limiter around it has.
func peek(w http.ResponseWriter, r *http.Request) error {
	user, err := session.From(r.Context()).PeekUser(r.Context())
	if err != nil {
		user = "unknown"
	}
	w.Header().Set("X-User", user)
	_, err = io.WriteString(w, "page")
	return err
}

func TestALookAtTheUserDoesNotMakeTheResponsePrivate(t *testing.T) {
	s := serve(t, nil, pages{"/peek": peek})
	b := s.browser()
	for _, user := range []string{"", "alice"} {
		if user != "" {
			b.get("/login?user=" + user)
		}
		a := b.get("/peek")
		if a.Header.Get("X-User") != user || a.Header.Get("Cache-Control") != "" || a.Header.Get("Vary") != "" || len(a.Cookies()) > 0 {
			t.Errorf("the user is %q, want %q, with the header %v", a.Header.Get("X-User"), user, a.Header)
		}
	}
}

func TestALookAtTheUserIsNoUseOfTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &session.Options{IdleTimeout: time.Hour}, pages{"/peek": peek})
		b := s.browser()
		b.get("/login?user=alice")
		<-time.After(40 * time.Minute)
		if a := b.get("/peek"); a.Header.Get("X-User") != "alice" {
			t.Errorf("the user is %q", a.Header.Get("X-User"))
		}
		<-time.After(21 * time.Minute)
		if a := b.get("/peek"); a.Header.Get("X-User") != "" {
			t.Error("the session lived on for a look at its user")
		}
	})
}

func TestALookAtTheUserThatFailsLeavesTheResponseAlone(t *testing.T) {
	s := serve(t, nil, pages{"/peek": peek, "/peek-and-read": func(w http.ResponseWriter, r *http.Request) error {
		_, _ = session.From(r.Context()).PeekUser(r.Context())
		_, _ = session.Get[cart](r.Context())
		_, err := io.WriteString(w, "page")
		return err
	}})
	b := s.browser()
	b.get("/login?user=alice")
	s.spy.before = func(context.Context, string, string) error { return cache.ErrUnavailable }
	if a := b.get("/peek"); a.StatusCode != http.StatusOK || a.Header.Get("X-User") != "unknown" || a.body != "page" {
		t.Errorf("%s %q of %q", a.Status, a.body, a.Header.Get("X-User"))
	}
	if a := b.get("/peek-and-read"); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("who reads the session too gets %s %q", a.Status, a.body)
	}
}
