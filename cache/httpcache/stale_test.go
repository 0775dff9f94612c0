package httpcache_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// counting answers with the number of the call, and with fields, names and values in turn. From the second call on the status is what later says.
func counting(later int, fields ...string) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		n++
		if n > 1 {
			w.WriteHeader(later)
		} else {
			for i := 0; i < len(fields); i += 2 {
				w.Header().Add(fields[i], fields[i+1])
			}
		}
		_, _ = io.WriteString(w, strconv.Itoa(n))
	}
}

// after returns what a client gets some time after the first response had come.
func (s *service) after(d time.Duration, fields ...string) answer {
	s.t.Helper()
	s.get("/x")
	settle()
	<-time.After(d)
	a := s.get("/x", fields...)
	settle()
	return a
}

func TestStaleWhileRevalidate(t *testing.T) {
	for _, c := range []struct {
		name    string
		control string
		at      time.Duration
		want    string
		body    string
	}{
		{"is not needed while the response is fresh", "max-age=10, stale-while-revalidate=20", 9 * time.Second, "larder; hit; ttl=1", "1"},
		{"serves what has just become stale", "max-age=10, stale-while-revalidate=20", 10 * time.Second, "larder; hit; ttl=0", "1"},
		{"serves until its end", "max-age=10, stale-while-revalidate=20", 29 * time.Second, "larder; hit; ttl=-19", "1"},
		{"does not serve from its end on", "max-age=10, stale-while-revalidate=20", 30 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
		{"serves what is stale at once", "max-age=0, stale-while-revalidate=20", 5 * time.Second, "larder; hit; ttl=-5", "1"},
		{"of many is the shortest", "max-age=10, stale-while-revalidate=20, stale-while-revalidate=5", 15 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
		{"counts for nothing where it is no number", "max-age=10, stale-while-revalidate=x", 10 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
		{"gives way to must-revalidate", "max-age=10, stale-while-revalidate=20, must-revalidate", 10 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
		{"gives way to proxy-revalidate", "max-age=10, stale-while-revalidate=20, proxy-revalidate", 10 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
		{"gives way to s-maxage, which is proxy-revalidate too", "s-maxage=10, stale-while-revalidate=20", 10 * time.Second, "larder; fwd=stale; ttl=10; stored", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					n++
					saying(strconv.Itoa(n), "Cache-Control", c.control, "Etag", strconv.Quote(strconv.Itoa(n)))(w, r) // with which it is kept for an hour
				})
				a := s.after(c.at)
				if got := a.status(); got != c.want || a.body != c.body {
					t.Errorf("Cache-Status is %q with %q, want %q with %q", got, a.body, c.want, c.body)
				}
			})
		})
	}
}

func TestWhoIsServedStaleHasTheResponseRefreshedForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			n++
			saying(strconv.Itoa(n), "Cache-Control", "max-age=10, stale-while-revalidate=20")(w, r)
		})
		s.after(15 * time.Second)
		<-time.After(2 * time.Second)
		if a := s.get("/x"); a.status() != "larder; hit; ttl=8" || a.body != "2" || a.Header.Get("Age") != "2" {
			t.Errorf("%s, Age %s, %q", a.status(), a.Header.Get("Age"), a.body)
		}
		if s.calls.Load() != 2 {
			t.Errorf("the handler was called %d times", s.calls.Load())
		}
	})
}

func TestStaleIfError(t *testing.T) {
	const stale = "larder; fwd=stale; fwd-status="
	for _, c := range []struct {
		name    string
		control string
		status  int // of the handler, from the second call on
		at      time.Duration
		want    string
		code    int
	}{
		{"serves in place of 500", "max-age=10, stale-if-error=20", 500, 20 * time.Second, stale + "500; ttl=-10; detail=stale-if-error", 200},
		{"serves in place of 502", "max-age=10, stale-if-error=20", 502, 20 * time.Second, stale + "502; ttl=-10; detail=stale-if-error", 200},
		{"serves in place of 503", "max-age=10, stale-if-error=20", 503, 20 * time.Second, stale + "503; ttl=-10; detail=stale-if-error", 200},
		{"serves in place of 504", "max-age=10, stale-if-error=20", 504, 20 * time.Second, stale + "504; ttl=-10; detail=stale-if-error", 200},
		{"does not serve in place of 501", "max-age=10, stale-if-error=20", 501, 20 * time.Second, "larder; fwd=stale; detail=filter", 501},
		{"does not serve in place of 404", "max-age=10, stale-if-error=20", 404, 20 * time.Second, "larder; fwd=stale; detail=freshness", 404},
		{"does not serve in place of what succeeds", "max-age=10, stale-if-error=20", 200, 20 * time.Second, "larder; fwd=stale; detail=freshness", 200},
		{"serves until its end", "max-age=10, stale-if-error=20", 500, 29 * time.Second, stale + "500; ttl=-19; detail=stale-if-error", 200},
		{"does not serve after its end", "max-age=10, stale-if-error=20", 500, 31 * time.Second, "larder; fwd=stale; detail=filter", 500},
		{"counts for nothing where it is 0", "max-age=10, stale-if-error=0", 500, 15 * time.Second, "larder; fwd=stale; detail=filter", 500},
		{"gives way to must-revalidate", "max-age=10, stale-if-error=20, must-revalidate", 500, 20 * time.Second, "larder; fwd=stale; detail=filter", 500},
		{"gives way to proxy-revalidate", "max-age=10, stale-if-error=20, proxy-revalidate", 500, 20 * time.Second, "larder; fwd=stale; detail=filter", 500},
		{"gives way to no-cache", "max-age=10, stale-if-error=20, no-cache", 500, 20 * time.Second, "larder; fwd=stale; detail=filter", 500},
		{"gives way to s-maxage, which is proxy-revalidate too", "s-maxage=10, stale-if-error=20", 500, 20 * time.Second, "larder; fwd=stale; detail=filter", 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, counting(c.status, "Cache-Control", c.control, "Etag", `"1"`)) // with which it is kept for an hour
				a := s.after(c.at)
				if got := a.status(); got != c.want || a.StatusCode != c.code {
					t.Errorf("%d %q, want %d %q", a.StatusCode, got, c.code, c.want)
				}
				if served := a.body == "1"; served != (c.code == 200 && c.status != 200) {
					t.Errorf("the body is %q", a.body)
				}
			})
		})
	}
}

// It is the response that is old, not the error that is new.
func TestWhatIsServedInPlaceOfAnErrorIsTheResponseAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if n++; n > 1 {
				w.Header().Set("X-Error", "yes")
				w.Header().Set("Retry-After", "5")
				http.Error(w, "no", http.StatusServiceUnavailable)
				return
			}
			saying("hello", "Cache-Control", "max-age=10, stale-if-error=60", "Content-Type", "text/css", "X-Page", "1")(w, r)
		})
		a := s.after(20 * time.Second)
		h := a.Header
		if a.body != "hello" || h.Get("Content-Type") != "text/css" || h.Get("X-Page") != "1" || h.Get("X-Error") != "" || h.Get("Retry-After") != "" || h.Get("Age") != "20" {
			t.Errorf("%q %v", a.body, h)
		}
		if a := s.get("/x"); a.body != "hello" || s.calls.Load() != 3 {
			t.Errorf("the next gets %q, after %d calls", a.body, s.calls.Load())
		}
	})
}

func TestAResponseThatMustBeRevalidatedIsFreshUntilThen(t *testing.T) {
	for _, control := range []string{"max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { serve(t, nil, saying("hello", "Cache-Control", control)).lasts(time.Minute) })
		})
	}
}

// RFC 5861 section 4 lets a client ask for it too.
func TestAClientMayAllowStaleIfError(t *testing.T) {
	for _, c := range []struct {
		name   string
		obeys  bool
		asked  string
		stored string
		code   int
	}{
		{"where it is obeyed", true, "stale-if-error=60", "max-age=10", 200},
		{"and not where it is not", false, "stale-if-error=60", "max-age=10", 500},
		{"but for no longer than it says", true, "stale-if-error=5", "max-age=10", 500},
		{"and not where the response forbids it", true, "stale-if-error=60", "max-age=10, must-revalidate", 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{ObeyClients: c.obeys}, counting(500, "Cache-Control", c.stored, "Etag", `"1"`))
				if a := s.after(20*time.Second, "Cache-Control", c.asked); a.StatusCode != c.code {
					t.Errorf("%d %s, want %d", a.StatusCode, a.status(), c.code)
				}
			})
		})
	}
}
