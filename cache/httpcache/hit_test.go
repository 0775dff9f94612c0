package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

func TestAStoredResponseIsServedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60", "Content-Type", "text/plain"))
		first := s.get("http://a.example/x")
		if got, want := first.status(), "larder; fwd=uri-miss; ttl=60; stored"; got != want {
			t.Errorf("the first Cache-Status is %q, want %q", got, want)
		}
		settle()
		<-time.After(20 * time.Second)
		second := s.get("http://a.example/x")
		if got, want := second.status(), "larder; hit; ttl=40"; got != want {
			t.Errorf("the second Cache-Status is %q, want %q", got, want)
		}
		if second.body != "hello" || second.Header.Get("Age") != "20" || second.Header.Get("Etag") == "" || second.StatusCode != http.StatusOK || second.ContentLength != 5 {
			t.Errorf("the hit is %d %v %q", second.StatusCode, second.Header, second.body)
		}
		if s.calls.Load() != 1 {
			t.Errorf("the handler was called %d times", s.calls.Load())
		}
		<-time.After(40 * time.Second)
		if third := s.get("http://a.example/x"); third.isHit() {
			t.Errorf("a response of 60 seconds is used after 60: %s", third.status())
		}
	})
}

func TestARuleGivesALifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: time.Minute}}, saying("hello"))
		s.get("/x")
		settle()
		if a := s.get("/x"); !a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
		<-time.After(time.Minute)
		if a := s.get("/x"); a.isHit() {
			t.Errorf("after the TTL, Cache-Status: %s", a.status())
		}
	})
}

func TestConditionalRequestsAreAnsweredFromTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		tag := s.get("/x").Header.Get("Etag")
		settle()
		if a := s.get("/x", "If-None-Match", tag); a.StatusCode != http.StatusNotModified || a.body != "" || !a.isHit() {
			t.Errorf("%d %q %s", a.StatusCode, a.body, a.status())
		}
		if a := s.get("/x", "Range", "bytes=1-2"); a.StatusCode != http.StatusPartialContent || a.body != "el" {
			t.Errorf("%d %q %s", a.StatusCode, a.body, a.status())
		}
		if a := s.do("HEAD", "/x"); a.StatusCode != http.StatusOK || a.body != "" || a.ContentLength != 5 || !a.isHit() {
			t.Errorf("%d %q %d %s", a.StatusCode, a.body, a.ContentLength, a.status())
		}
	})
}
