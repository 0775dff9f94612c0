package httpcache_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatMiddlewareOutsideSetsIsSetAnewForEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := false
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if failing {
				w.Header().Set("X-Failure", "yes")
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			w.Header().Set("Cache-Control", "max-age=60, stale-if-error=6000")
			w.Header().Set("Etag", `"1"`)
			w.Header().Add("Link", "</inner>")
			w.Header().Add("Vary", "Accept")
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, "page")
		})
		inner := s.handler
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Visitor-Name", r.Header.Get("X-Visitor"))
			w.Header().Add("Link", "</"+r.Header.Get("X-Visitor")+">")
			w.Header().Add("Vary", "Origin")
			w.Header().Set("X-Always", "the same")
			inner.ServeHTTP(w, r)
		})
		check := func(visitor, status string) {
			t.Helper()
			a := s.get("/x", "X-Visitor", visitor)
			settle()
			h := a.Header
			links, vary := strings.Join(h.Values("Link"), " "), strings.Join(h.Values("Vary"), " ")
			if a.body != "page" || h.Get("X-Visitor-Name") != visitor || links != "</"+visitor+"> </inner>" || vary != "Origin Accept" || h.Get("X-Always") != "the same" || h.Get("X-Failure") != "" {
				t.Errorf("%s has %q, %v", visitor, a.body, h)
			}
			if got := a.status(); got != status {
				t.Errorf("Cache-Status is %q, want %q", got, status)
			}
		}
		check("ann", "larder; fwd=uri-miss; ttl=60; stored")
		check("bob", "larder; hit; ttl=60")
		<-time.After(2 * time.Minute)
		check("eve", "larder; fwd=stale; fwd-status=304; ttl=60; stored")
		check("dan", "larder; hit; ttl=60")
		<-time.After(2 * time.Minute)
		failing = true
		check("ann", "larder; fwd=stale; fwd-status=502; ttl=-60; detail=stale-if-error")
	})
}
