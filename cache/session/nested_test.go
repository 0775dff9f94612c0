package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

// nested serves page behind the sessions, then between, then the sessions again.
func nested(t *testing.T, between func(http.Handler) http.Handler, page http.HandlerFunc) (*session.Sessions, *spy, http.Handler) {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	watched := &spy{full: store}
	c, err := cache.New(watched, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := session.New(c, &session.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s, watched, s.Handler(between(s.Handler(page)))
}

// seen is the header that the inner middleware has written when the response begins.
func seen(into *http.Header) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			*into = rec.Header().Clone()
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

func TestWhatIsBetweenTwoOfTheMiddlewareSeesWhatTheSessionMeans(t *testing.T) {
	for name, c := range map[string]struct {
		page    http.HandlerFunc
		private bool
		cookie  bool
	}{
		"a page that does not use the session": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") }, false, false},
		"a page that reads it":                 {func(_ http.ResponseWriter, r *http.Request) { _, _ = session.Get[string](r.Context()) }, true, false},
		"a page that writes it":                {func(_ http.ResponseWriter, r *http.Request) { _ = session.Set(r.Context(), "x") }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var inner http.Header
			_, _, h := nested(t, seen(&inner), c.page)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			for where, h := range map[string]http.Header{"between": inner, "the client": w.Header()} {
				if got := h.Get("Cache-Control") == "no-store" && slices.Contains(h["Vary"], "Cookie"); got != c.private {
					t.Errorf("%s: private is %t, want %t: %v", where, got, c.private, h)
				}
				if got := len(h["Set-Cookie"]); got != 0 != c.cookie || got > 1 {
					t.Errorf("%s: %d cookies: %v", where, got, h)
				}
			}
		})
	}
}

// What a middleware outside reads, such as authentication, says nothing about the page to what is between.
func TestAPageIsNotPrivateForWhatWasReadOutsideOfIt(t *testing.T) {
	var inner http.Header
	between := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = session.From(r.Context()).User(r.Context())
			seen(&inner)(next).ServeHTTP(w, r)
		})
	}
	_, _, h := nested(t, between, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if len(inner) > 1 || inner.Get("Cache-Control") != "" {
		t.Errorf("between: %v", inner)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the client: %v", w.Header())
	}
}

// As a cache of responses does that refreshes a page in the background, after the response that it was asked for has begun.
func TestACallOfThePageAfterTheResponseIsPrivateIfItReadsWhatWasRead(t *testing.T) {
	var inner, refreshed http.Header
	between := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen(&inner)(next).ServeHTTP(w, r)
			seen(&refreshed)(next).ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		})
	}
	_, _, h := nested(t, between, func(_ http.ResponseWriter, r *http.Request) { _, _ = session.Get[string](r.Context()) })
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if refreshed.Get("Cache-Control") != "no-store" {
		t.Errorf("the second call's header is %v", refreshed)
	}
}

func TestWhatIsBetweenCannotHideThatTheSessionWasNotStored(t *testing.T) {
	hide := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			_, _ = io.WriteString(w, "an older page")
		})
	}
	_, watched, h := nested(t, hide, func(_ http.ResponseWriter, r *http.Request) { _ = session.Set(r.Context(), "x") })
	watched.before = func(_ context.Context, op, _ string) error {
		if op == "add" {
			return cache.ErrUnavailable
		}
		return nil
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheCookieReachesTheClientWhateverIsBetween(t *testing.T) {
	hide := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			_, _ = io.WriteString(w, "an older page")
		})
	}
	_, _, h := nested(t, hide, func(_ http.ResponseWriter, r *http.Request) { _ = session.Set(r.Context(), "x") })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if len(w.Header()["Set-Cookie"]) != 1 {
		t.Errorf("the cookies are %q, want one", w.Header()["Set-Cookie"])
	}
}
