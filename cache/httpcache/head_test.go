package httpcache_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHEADIsAnsweredFromWhatGETHasStored(t *testing.T) {
	for _, status := range []int{200, 404} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, answering(status, "hello", "Cache-Control", "max-age=60", "Content-Type", "text/css"))
			s.get("/x")
			settle()
			head, get := s.do(http.MethodHead, "/x"), s.get("/x")
			if head.body != "" || head.StatusCode != status || !head.isHit() || s.calls.Load() != 1 {
				t.Errorf("%d: %d %q %s", status, head.StatusCode, head.body, head.status())
			}
			if d := cmp.Diff(get.Header, head.Header); d != "" {
				t.Errorf("%d: its header is not that of GET (-GET +HEAD):\n%s", status, d)
			}
		})
	}
}

func TestHEADThatMissesIsForTheHandlerAndStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Method", r.Method)
			w.Header().Set("Cache-Control", "max-age=60")
		})
		for range 2 {
			if a := s.do(http.MethodHead, "/x"); a.Header.Get("X-Method") != "HEAD" || a.status() != "larder; fwd=uri-miss" {
				t.Errorf("%v", a.Header)
			}
			settle()
		}
		if a := s.get("/x"); a.isHit() || a.Header.Get("X-Method") != "GET" {
			t.Errorf("GET gets %v", a.Header)
		}
	})
}

// RFC 9111 section 4.3.5: a HEAD that is forwarded tells whether the stored response to GET is out of date.
func TestHEADOfAStaleResponse(t *testing.T) {
	const modified, other = "Fri, 31 Dec 1999 23:00:00 GMT", "Fri, 31 Dec 1999 23:30:00 GMT"
	for _, c := range []struct {
		name   string
		stored []string
		status int
		fields []string // of the answer to HEAD
		kept   bool
	}{
		{"keeps it where all is the same", []string{"Etag", `"1"`, "Last-Modified", modified}, 200, []string{"Etag", `"1"`, "Last-Modified", modified, "Content-Length", "5"}, true},
		{"keeps it where it says nothing", []string{"Etag", `"1"`}, 200, nil, true},
		{"keeps it where it is no success", []string{"Etag", `"1"`}, 500, []string{"Etag", `"2"`}, true},
		{"makes a miss of it by another tag", []string{"Etag", `"1"`}, 200, []string{"Etag", `"2"`}, false},
		{"makes a miss of it by another date", []string{"Last-Modified", modified}, 200, []string{"Last-Modified", other}, false},
		{"makes a miss of it by another length", []string{"Etag", `"1"`}, 200, []string{"Content-Length", "6"}, false},
		{"keeps it where a tag is there that GET did not have, and a date that is the same", []string{"Last-Modified", modified}, 200, []string{"Etag", `"1"`, "Last-Modified", modified}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == http.MethodHead:
						answering(c.status, "", c.fields...)(w, r)
					case r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != "":
						w.WriteHeader(http.StatusNotModified)
					default:
						saying("hello", append(c.stored, "Cache-Control", "max-age=10")...)(w, r)
					}
				})
				s.get("/x")
				settle()
				<-time.After(20 * time.Second)
				if a := s.do(http.MethodHead, "/x"); a.StatusCode != c.status || a.status() != "larder; fwd=stale" {
					t.Errorf("%d %s", a.StatusCode, a.status())
				}
				want := "larder; fwd=uri-miss; ttl=10; stored"
				if c.kept {
					want = "larder; fwd=stale; fwd-status=304; ttl=10; stored"
				}
				if a := s.get("/x"); a.status() != want || a.body != "hello" {
					t.Errorf("GET gets %s %q, want %s", a.status(), a.body, want)
				}
			})
		})
	}
}

func TestHEADOfAFreshResponseWithinStaleWhileRevalidateRefreshesItByGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if n++; r.Method != http.MethodGet {
				t.Errorf("the handler saw %s", r.Method)
			}
			saying(strconv.Itoa(n), "Cache-Control", "max-age=10, stale-while-revalidate=60")(w, r)
		})
		s.get("/x")
		settle()
		<-time.After(20 * time.Second)
		if a := s.do(http.MethodHead, "/x"); a.status() != "larder; hit; ttl=-10" {
			t.Errorf("HEAD gets %s", a.status())
		}
		settle()
		if a := s.get("/x"); a.body != "2" || !a.isHit() {
			t.Errorf("GET gets %q %s", a.body, a.status())
		}
	})
}
