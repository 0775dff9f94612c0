package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// changes are what makes the responses of s to /x old.
func changes() map[string]func(s *service) {
	return map[string]func(s *service){
		"POST to it":   func(s *service) { s.do(http.MethodPost, "/x") },
		"DELETE of it": func(s *service) { s.do(http.MethodDelete, "/x") },
		"POST with its URL as Location": func(s *service) {
			s.do(http.MethodPost, "/other", "X-Answer-Location", "/x")
		},
		"POST with its URL as Content-Location": func(s *service) {
			s.do(http.MethodPost, "/other", "X-Answer-Content-Location", "http://example.com/x")
		},
		"POST that invalidates its group": func(s *service) {
			s.do(http.MethodPost, "/other", "X-Answer-Cache-Group-Invalidation", `"all"`)
		},
		"InvalidateTags":   func(s *service) { _ = s.cache.InvalidateTags(context.Background(), "pages") },
		"InvalidateGroups": func(s *service) { _ = s.cache.InvalidateGroups(context.Background(), "http://example.com", "all") },
	}
}

// versioned serves a page that changes make newer; its GET answers with what was there when it began.
func versioned(t *testing.T, gate <-chan struct{}, fields ...string) (s *service, version *string) {
	t.Helper()
	version = new(string)
	*version = "old"
	tags := func(*http.Request) []string { return []string{"pages"} }
	s = serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: tags}}, func(w http.ResponseWriter, r *http.Request) {
		for name, lines := range r.Header {
			if name, ok := strings.CutPrefix(name, "X-Answer-"); ok {
				w.Header()[name] = lines
			}
		}
		if r.Method != http.MethodGet {
			*version = "new"
			return
		}
		body := *version
		<-gate
		saying(body, append([]string{"Cache-Control", "max-age=60", "Cache-Groups", `"all"`}, fields...)...)(w, r)
	})
	return s, version
}

func TestNobodyWhoComesAfterAChangeWaitsForACallFromBefore(t *testing.T) {
	for name, change := range changes() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s, version := versioned(t, gate)
				leader := s.begin(request(http.MethodGet, "/x"))
				settle()
				early := s.begin(request(http.MethodGet, "/x"))
				settle()
				<-time.After(time.Second)
				change(s)
				*version = "new"
				<-time.After(time.Second)
				late := s.begin(request(http.MethodGet, "/x"))
				settle()
				close(gate)
				if a := <-late; a.body != "new" {
					t.Errorf("who came after the change has %q, %s", a.body, a.status())
				}
				<-leader
				<-early
				settle()
				if a := s.get("/x"); a.body != "new" {
					t.Errorf("what is served afterwards is %q, %s", a.body, a.status())
				}
				settle()
				if a := s.get("/x"); a.body != "new" || !a.isHit() {
					t.Errorf("later: %q, %s", a.body, a.status())
				}
			})
		})
	}
}

func TestARefreshFromBeforeAChangeIsNotStoredNorWaitedFor(t *testing.T) {
	for name, change := range changes() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{}, 1)
				s, version := versioned(t, gate, "Cache-Control", "stale-while-revalidate=60")
				gate <- struct{}{}
				s.get("/x")
				<-time.After(70 * time.Second)
				s.get("/x").wantStatus(t, "larder; hit; ttl=-10")
				settle()
				change(s)
				*version = "new"
				<-time.After(time.Second)
				late := s.begin(request(http.MethodGet, "/x"))
				settle()
				close(gate)
				if a := <-late; a.body != "new" {
					t.Errorf("who came after the change has %q, %s", a.body, a.status())
				}
				settle()
				if a := s.get("/x"); a.body != "new" {
					t.Errorf("what is served afterwards is %q, %s", a.body, a.status())
				}
			})
		})
	}
}

func TestAChangeThatFailsMakesNothingOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			if r.Method != http.MethodGet {
				w.WriteHeader(http.StatusConflict)
				return
			}
			_, _ = io.WriteString(w, "page")
		})
		s.get("/x")
		settle()
		s.do(http.MethodPost, "/x")
		if a := s.get("/x"); !a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
	})
}

func TestAChangeWhoseClientHasLeftIsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, leave := leaving(http.MethodPost, "/x")
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				leave()
				return
			}
			saying("page", "Cache-Control", "max-age=60")(w, r)
		})
		s.get("/x")
		settle()
		s.send(r)
		if a := s.get("/x"); a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
	})
}

func TestACallFromBeforeAChangeIsNotStoredWhereTheStoreHasSevenMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, version := make(chan struct{}), "old"
		s := serveOver(t, hook(t).sevenMethods(), nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				version = "new"
				return
			}
			body := version
			<-gate
			saying(body, "Cache-Control", "max-age=60")(w, r)
		})
		old := s.begin(request(http.MethodGet, "/x"))
		settle()
		s.do(http.MethodPost, "/x")
		late := s.begin(request(http.MethodGet, "/x")) // who makes the record that the old one must not take for its own
		settle()
		gate <- struct{}{}
		<-old
		settle()
		if a := s.begin(request(http.MethodGet, "/x")); hasEnded(a) {
			t.Errorf("%q is there", (<-a).body)
		}
		close(gate)
		if a := <-late; a.body != "new" {
			t.Errorf("%q, %s", a.body, a.status())
		}
		settle()
		if a := s.get("/x"); a.body != "new" || !a.isHit() {
			t.Errorf("%q, %s", a.body, a.status())
		}
	})
}
