package httpcache_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// page is a body that no buffer holds back.
func page(n int64) string { return fmt.Sprintf("page %d ", n) + strings.Repeat("x", 4096) }

// failing are handlers that do not make what their header promises, each called when a page's header is set.
func failing() map[string]func(w http.ResponseWriter) {
	return map[string]func(w http.ResponseWriter){
		"panics before the header": func(http.ResponseWriter) { panic("failed") },
		"panics in the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, page(0)[:3000])
			panic("failed")
		},
		"panics after the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, page(0))
			panic("failed")
		},
		"aborts": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, page(0))
			panic(http.ErrAbortHandler)
		},
		"writes less than its Content-Length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "5000")
			_, _ = io.WriteString(w, page(0))
		},
		"writes nothing of its Content-Length": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "5000") },
		"writes more than its Content-Length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, page(0))
		},
		"flushes": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
		},
		"flushes after much": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, page(0))
			_ = http.NewResponseController(w).Flush()
		},
		"writes too much": func(w http.ResponseWriter) {
			for range 300 {
				_, _ = io.WriteString(w, page(0))
			}
		},
		"fails": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
	}
}

func TestNobodyGetsNorStoresWhatTheLeaderDidNotMakeWhole(t *testing.T) {
	for name, fail := range failing() {
		t.Run("a handler that "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				var s *service
				s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
					n := s.calls.Load()
					w.Header().Set("Cache-Control", "max-age=60")
					if n == 1 {
						<-gate
						fail(w)
						return
					}
					<-time.After(time.Second)
					_, _ = io.WriteString(w, "whole")
				})
				all := s.beginMany(4, "/x")
				s.wantCalls(t, 1)
				close(gate)
				bad := 0
				for i, c := range all {
					a := <-c
					switch {
					case a.panicked == nil && a.StatusCode == http.StatusOK && a.body == "whole":
					case i == 0 || bad == 0:
						bad++
					default:
						t.Errorf("request %d got %d, %d bytes, %s", i, a.StatusCode, len(a.body), a.status())
					}
					if bad == 1 && strings.Contains(a.status(), "collapsed") && a.body != "whole" {
						t.Errorf("what the leader did not make whole is shared: %s", a.status())
					}
				}
				settle()
				a := s.get("/x")
				if a.body != "whole" {
					t.Errorf("afterwards the body is %.20q of %d bytes, %s", a.body, len(a.body), a.status())
				}
				settle()
				if a := s.get("/x"); a.body != "whole" || !a.isHit() {
					t.Errorf("later the body is %.20q, %s", a.body, a.status())
				}
			})
		})
	}
}

func TestWhereTheLeadersResponseIsLostOneOfTheOthersLeads(t *testing.T) {
	for name, fail := range failing() {
		lost := strings.Contains(name, "pan") || strings.Contains(name, "abort") || strings.Contains(name, "Length") || strings.Contains(name, "after much") || name == "writes too much"
		if !lost {
			continue // that it is for one alone is known from the header
		}
		t.Run("a handler that "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				var s *service
				s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
					n := s.calls.Load()
					w.Header().Set("Cache-Control", "max-age=60")
					<-gate
					if n == 1 {
						fail(w)
						return
					}
					_, _ = io.WriteString(w, "whole")
				})
				all := s.beginMany(20, "/x")
				gate <- struct{}{}
				settle()
				s.wantCalls(t, 2)
				gate <- struct{}{}
				for _, c := range all {
					<-c
				}
				s.wantCalls(t, 2)
			})
		})
	}
}

func TestAClientThatDisconnectsStopsNobodyAndStoresNothing(t *testing.T) {
	for name, obeys := range map[string]bool{"and a handler that stops then": true, "and a handler that goes on": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				var s *service
				s = serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					n := s.calls.Load()
					w.Header().Set("Cache-Control", "max-age=60")
					body := page(n)
					_, _ = io.WriteString(w, body[:3000])
					stop := r.Context().Done()
					if !obeys {
						stop = nil
					}
					select {
					case <-gate:
					case <-stop:
						return // a response without a length: nothing else says that it is cut short
					}
					_, _ = io.WriteString(w, body[3000:])
				})
				r, leave := leaving(http.MethodGet, "/x")
				leader := s.begin(r)
				settle()
				others := s.beginMany(3, "/x")
				s.wantCalls(t, 1)
				leave()
				settle()
				if !obeys {
					gate <- struct{}{}
				}
				<-leader
				settle()
				s.wantCalls(t, 2)
				gate <- struct{}{}
				for i, c := range others {
					if a := <-c; a.StatusCode != http.StatusOK || a.body != page(2) {
						t.Errorf("follower %d got %d, %.10q of %d bytes", i, a.StatusCode, a.body, len(a.body))
					}
				}
				settle()
				if a := s.get("/x"); a.body != page(2) || !a.isHit() {
					t.Errorf("afterwards %.10q of %d bytes, %s", a.body, len(a.body), a.status())
				}
			})
		})
	}
}

// broken is a client's connection that breaks after some bytes.
type broken struct {
	http.ResponseWriter

	after int
}

func (b *broken) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < 0 {
		return 0, errors.New("broken pipe")
	}
	return b.ResponseWriter.Write(p)
}

func TestAClientWhoseConnectionBreaksStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, page(s.calls.Load()))
			_, _ = io.WriteString(w, "end")
		})
		s.handler.ServeHTTP(&broken{httptest.NewRecorder(), 4100}, request(http.MethodGet, "/x"))
		settle()
		s.get("/x").wantStatus(t, "larder; fwd=uri-miss; ttl=60; stored")
	})
}
