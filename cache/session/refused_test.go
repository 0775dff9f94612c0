package session_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// refuse serves a page that logs in and then does more, over a store that takes no session.
func refuse(t *testing.T, more func(w http.ResponseWriter, r *http.Request)) *service {
	t.Helper()
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		if err := session.From(r.Context()).Login(r.Context(), "alice"); err != nil {
			return err
		}
		more(w, r)
		return nil
	}})
	s.spy.before = func(_ context.Context, op, _ string) error {
		if op == "add" {
			return cache.ErrUnavailable
		}
		return nil
	}
	return s
}

func TestAReverseProxyWhoseSessionCannotBeStoredIsAWhole503(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("page", 100_000))
	}))
	defer behind.Close()
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := refuse(t, httputil.NewSingleHostReverseProxy(target).ServeHTTP)
	for _, http2 := range []bool{false, true} {
		front := httptest.NewUnstartedServer(s.handler)
		front.EnableHTTP2 = http2
		front.StartTLS()
		defer front.Close()
		res, err := front.Client().Get(front.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusServiceUnavailable || err != nil || !strings.Contains(string(body), "about:blank") {
			t.Errorf("%s %s with %q, %v; want a problem", res.Proto, res.Status, body, err)
		}
	}
}

func TestAClientWhoseSessionCannotBeStoredNeedNotWaitForTheHandler(t *testing.T) {
	s := refuse(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		<-r.Context().Done() // which ends when the client, who has the problem, hangs up
	})
	front := httptest.NewServer(s.handler)
	defer front.Close()
	res, err := front.Client().Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusServiceUnavailable || err != nil || !strings.Contains(string(body), "about:blank") {
		t.Errorf("%s with %q, %v; want a problem", res.Status, body, err)
	}
	_ = res.Body.Close()
	front.CloseClientConnections()
}
