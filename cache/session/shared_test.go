package session_test

import (
	"net/http"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

func TestFieldsThatHandlersShareAreNotWrittenTo(t *testing.T) {
	shared := map[string][]string{"Vary": make([]string, 1, 2), "Set-Cookie": make([]string, 1, 2)}
	shared["Vary"][0], shared["Set-Cookie"][0] = "Accept", "theme=dark"
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		for name, values := range shared {
			w.Header()[name] = values
		}
		return session.From(r.Context()).Login(r.Context(), "alice")
	}})
	s.browser().get("/")
	for name, values := range shared {
		if got := values[:2][1]; got != "" {
			t.Errorf("%s: %q was written behind the handler's value", name, got)
		}
	}
}
