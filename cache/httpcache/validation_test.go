package httpcache_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache/httpcache"
)

// script answers each call with the next handler, and all from the last on with that.
func script(handlers ...http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		h := handlers[min(n, len(handlers)-1)]
		n++
		h(w, r)
	}
}

// holds answers 304, with fields.
func holds(fields ...string) http.HandlerFunc {
	return answering(http.StatusNotModified, "", fields...)
}

func TestTheHandlerIsAskedWhetherAStaleResponseHolds(t *testing.T) {
	const modified = "Fri, 31 Dec 1999 23:00:00 GMT"
	for _, c := range []struct {
		name   string
		stored []string
		asked  []string // by the client
		want   map[string][]string
	}{
		{"by its tag", []string{"Etag", `"1"`}, nil, map[string][]string{"If-None-Match": {`"1"`}}},
		{"by its weak tag", []string{"Etag", `W/"1"`}, nil, map[string][]string{"If-None-Match": {`W/"1"`}}},
		{"by its date", []string{"Last-Modified", modified}, nil, map[string][]string{"If-Modified-Since": {modified}}},
		{"by both", []string{"Etag", `"1"`, "Last-Modified", modified}, nil, map[string][]string{"If-None-Match": {`"1"`}, "If-Modified-Since": {modified}}},
		{"not by the tag that the cache has made", nil, nil, map[string][]string{}},
		{"not by the client's tag", []string{"Etag", `"1"`}, []string{"If-None-Match", `"2"`}, map[string][]string{"If-None-Match": {`"1"`}}},
		{"not by the client's date", []string{"Etag", `"1"`}, []string{"If-Modified-Since", modified}, map[string][]string{"If-None-Match": {`"1"`}}},
		{"not by the client's tag where there is none to ask by", nil, []string{"If-None-Match", `"2"`}, map[string][]string{}},
		{"as a whole, whatever part the client wants", []string{"Etag", `"1"`}, []string{"Range", "bytes=0-0", "If-Range", `"1"`}, map[string][]string{"If-None-Match": {`"1"`}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got http.Header
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					got = r.Header.Clone()
					saying("hello", append(c.stored, "Cache-Control", "max-age=10, stale-if-error=60")...)(w, r)
				})
				s.after(20*time.Second, append(c.asked, "X-Any", "1")...)
				want := http.Header{"X-Any": {"1"}}
				for name, lines := range c.want {
					want[name] = lines
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("the handler saw (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestAStaleResponseThatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, tagged(`"1"`, "Cache-Control", "max-age=10"))
		a := s.after(25 * time.Second)
		if a.StatusCode != http.StatusOK || a.body != "hello" || a.status() != "larder; fwd=stale; fwd-status=304; ttl=10; stored" || a.Header.Get("Age") != "0" {
			t.Errorf("who has it validated gets %d %q, %s, Age %s", a.StatusCode, a.body, a.status(), a.Header.Get("Age"))
		}
		<-time.After(4 * time.Second)
		if a := s.get("/x"); a.body != "hello" || a.status() != "larder; hit; ttl=6" || a.Header.Get("Age") != "4" {
			t.Errorf("the next gets %q, %s, Age %s", a.body, a.status(), a.Header.Get("Age"))
		}
	})
}

func TestAStaleResponseThatHoldsNoMoreIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			n++
			tagged(strconv.Quote(strconv.Itoa(n)), "Cache-Control", "max-age=10", "X-N", strconv.Itoa(n))(w, r)
		})
		if a := s.after(25 * time.Second); a.Header.Get("Etag") != `"2"` || a.status() != "larder; fwd=stale; ttl=10; stored" {
			t.Errorf("who has it validated gets %v", a.Header)
		}
		if a := s.get("/x"); a.Header.Get("X-N") != "2" || !a.isHit() {
			t.Errorf("the next gets %v", a.Header)
		}
	})
}

func TestAResponseWithNoCacheIsValidatedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, tagged(`"1"`, "Cache-Control", "no-cache, max-age=60"))
		for i, want := range []string{"larder; fwd=uri-miss; ttl=0; stored", "larder; fwd=stale; fwd-status=304; ttl=0; stored", "larder; fwd=stale; fwd-status=304; ttl=0; stored"} {
			if a := s.get("/x"); a.status() != want || a.body != "hello" {
				t.Errorf("%d: %s, want %s", i, a.status(), want)
			}
			settle()
		}
	})
}

// A stale response is kept to be asked for, for an hour unless it is said.
func TestAStaleResponseIsKept(t *testing.T) {
	for _, c := range []struct {
		name  string
		keep  time.Duration
		until time.Duration
	}{
		{"for an hour", 0, time.Hour},
		{"for as long as it is said", time.Minute, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &httpcache.Options{KeepStale: c.keep}
				if a := serve(t, o, tagged(`"1"`, "Cache-Control", "max-age=10")).after(10*time.Second + c.until - time.Second); a.status() != "larder; fwd=stale; fwd-status=304; ttl=10; stored" {
					t.Errorf("a second before, Cache-Status: %s", a.status())
				}
				if a := serve(t, o, tagged(`"1"`, "Cache-Control", "max-age=10")).after(10*time.Second + c.until); a.status() != "larder; fwd=uri-miss; ttl=10; stored" {
					t.Errorf("then, Cache-Status: %s", a.status())
				}
			})
		})
	}
}

// RFC 9111 section 4.3.4: a 304 says by its validators which response it is about.
func TestA304IsAboutTheStoredResponse(t *testing.T) {
	const modified, other = "Fri, 31 Dec 1999 23:00:00 GMT", "Fri, 31 Dec 1999 22:00:00 GMT"
	for _, c := range []struct {
		name   string
		stored []string
		fields []string // of the 304
		want   bool
	}{
		{"with the same tag", []string{"Etag", `"1"`}, []string{"Etag", `"1"`}, true},
		{"with a weak tag of the same value", []string{"Etag", `"1"`}, []string{"Etag", `W/"1"`}, true},
		{"with a strong tag for a weak one, as of those who compress what they send and tag what they have", []string{"Etag", `W/"1"`}, []string{"Etag", `"1"`}, true},
		{"without any validator", []string{"Etag", `"1"`, "Last-Modified", modified}, nil, true},
		{"with the same date", []string{"Last-Modified", modified}, []string{"Last-Modified", modified}, true},
		{"with the same tag, whatever the date", []string{"Etag", `"1"`, "Last-Modified", modified}, []string{"Etag", `"1"`, "Last-Modified", other}, true},
		{"not with another tag", []string{"Etag", `"1"`}, []string{"Etag", `"2"`}, false},
		{"not with another tag and the same date", []string{"Etag", `"1"`, "Last-Modified", modified}, []string{"Etag", `"2"`, "Last-Modified", modified}, false},
		{"not with another date", []string{"Last-Modified", modified}, []string{"Last-Modified", other}, false},
		{"not with a tag where it has none of the handler's", []string{"Last-Modified", modified}, []string{"Etag", `"1"`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fields := append(c.fields, "Cache-Control", "max-age=10", "X-Page", "304")
				s := serve(t, nil, script(saying("old", append(c.stored, "Cache-Control", "max-age=10")...), holds(fields...),
					func(w http.ResponseWriter, r *http.Request) {
						if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
							t.Errorf("the second question has the conditions of the first: %v", r.Header)
						}
						saying("new", "Cache-Control", "max-age=10")(w, r)
					}))
				a := s.after(20 * time.Second)
				if c.want && (a.body != "old" || a.Header.Get("X-Page") != "304" || s.calls.Load() != 2) {
					t.Errorf("it is not: %q, %v, after %d calls", a.body, a.Header, s.calls.Load())
				}
				if !c.want && (a.StatusCode != http.StatusOK || a.body != "new" || a.Header.Get("X-Page") != "" || s.calls.Load() != 3) {
					t.Errorf("it is: %d %q, %v, after %d calls", a.StatusCode, a.body, a.Header, s.calls.Load())
				}
				if next := s.get("/x"); !next.isHit() || next.body != a.body {
					t.Errorf("the next gets %q, %s", next.body, next.status())
				}
			})
		})
	}
}

func TestWhatTheHandlerAnswersToAQuestionIsPassedOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		want   string
	}{
		{"an error", 500, "larder; fwd=stale; detail=filter"},
		{"that there is nothing any more", 404, "larder; fwd=stale; detail=freshness"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, counting(c.status, "Cache-Control", "max-age=10", "Etag", `"1"`))
				if a := s.after(20 * time.Second); a.StatusCode != c.status || a.status() != c.want || a.body != "2" {
					t.Errorf("%d %q, %s, want %s", a.StatusCode, a.body, a.status(), c.want)
				}
			})
		})
	}
}

func TestA304ThatNobodyAskedForIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, "hello")
		})
		first, second := s.twice()
		if first.StatusCode != http.StatusNotModified || second.StatusCode != http.StatusNotModified || second.isHit() {
			t.Errorf("%d %s, then %d %s", first.StatusCode, first.status(), second.StatusCode, second.status())
		}
	})
}
