package httpcache_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// slowly answers when the gate lets it, with the request's method and its number.
func slowly(gate <-chan struct{}, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Header.Get(rangeField) == "" {
			<-gate
		}
		body := "0123456789"
		if r.Method == http.MethodHead {
			body = ""
		}
		saying(body, append([]string{"Cache-Control", "max-age=60"}, fields...)...)(w, r)
	}
}

const (
	rangeField  = "Range"
	longAgo     = "Mon, 01 Jan 1990 00:00:00 GMT"
	lessLongAgo = "Tue, 02 Jan 1990 00:00:00 GMT"
)

func TestFollowersGetWhatTheyAskedFor(t *testing.T) {
	tests := map[string]struct {
		fields []string
		status int
		body   string
	}{
		"all":                                   {nil, 200, "0123456789"},
		"what has another tag":                  {[]string{"If-None-Match", `"2"`}, 200, "0123456789"},
		"what has not this tag":                 {[]string{"If-None-Match", `"1"`}, 304, ""},
		"what has none of these tags":           {[]string{"If-None-Match", `W/"0", W/"1"`}, 304, ""},
		"what was modified since":               {[]string{"If-Modified-Since", longAgo}, 200, "0123456789"},
		"what was not modified since":           {[]string{"If-Modified-Since", lessLongAgo}, 304, ""},
		"what has another tag and is not newer": {[]string{"If-None-Match", `"2"`, "If-Modified-Since", lessLongAgo}, 200, "0123456789"},
		"a part of what has a tag":              {[]string{"If-Range", `"1"`}, 200, "0123456789"}, // without Range it is no part
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s := serve(t, nil, slowly(gate, "Etag", `"1"`, "Last-Modified", lessLongAgo))
				leader := s.begin(request(http.MethodGet, "/x"))
				settle()
				follower := s.begin(request(http.MethodGet, "/x", tt.fields...))
				settle()
				close(gate)
				if a := <-follower; a.StatusCode != tt.status || a.body != tt.body || a.status() != "larder; fwd=uri-miss; collapsed" {
					t.Errorf("%d %q, Cache-Status: %s; want %d %q", a.StatusCode, a.body, a.status(), tt.status, tt.body)
				}
				if a := <-leader; a.StatusCode != http.StatusOK || a.body != "0123456789" {
					t.Errorf("the leader has %d %q", a.StatusCode, a.body)
				}
				s.wantCalls(t, 1)
			})
		})
		t.Run(name+", asked for by the leader", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s := serve(t, nil, slowly(gate, "Etag", `"1"`, "Last-Modified", lessLongAgo))
				leader := s.begin(request(http.MethodGet, "/x", tt.fields...))
				settle()
				follower := s.begin(request(http.MethodGet, "/x"))
				settle()
				close(gate)
				if a := <-leader; a.StatusCode != tt.status || a.body != tt.body {
					t.Errorf("%d %q, want %d %q", a.StatusCode, a.body, tt.status, tt.body)
				}
				if a := <-follower; a.StatusCode != http.StatusOK || a.body != "0123456789" || a.ContentLength != 10 {
					t.Errorf("the follower has %d %q, length %d", a.StatusCode, a.body, a.ContentLength)
				}
				s.wantCalls(t, 1)
			})
		})
	}
}

func TestWhoeverCannotUseTheResponseDoesNotWaitForIt(t *testing.T) {
	tests := map[string]struct {
		r      *http.Request
		status int
		body   string
	}{
		"HEAD":            {request(http.MethodHead, "/x"), 200, ""},
		"POST":            {request(http.MethodPost, "/x"), 200, "0123456789"},
		"OPTIONS":         {request(http.MethodOptions, "/x"), 200, "0123456789"},
		"an unknown":      {request("PURGE", "/x"), 200, "0123456789"},
		"a range":         {request(http.MethodGet, "/x", "Range", "bytes=2-3"), 200, "0123456789"},
		"only-if-cached":  {request(http.MethodGet, "/x", "Cache-Control", "only-if-cached"), 504, "The response is not in the cache, and the request forbids to ask the origin.\n"},
		"another's query": {request(http.MethodPut, "/x?y"), 200, "0123456789"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				s := serve(t, nil, slowly(gate))
				leader := s.begin(request(http.MethodGet, "/x"))
				settle()
				c := s.begin(tt.r)
				if !hasEnded(c) {
					t.Error("it waits")
				} else if a := <-c; a.StatusCode != tt.status || a.body != tt.body {
					t.Errorf("%d %q, want %d %q", a.StatusCode, a.body, tt.status, tt.body)
				}
				close(gate)
				if a := <-leader; a.body != "0123456789" {
					t.Errorf("the leader has %q", a.body)
				}
			})
		})
	}
}

func TestOneWhoForbidsToStoreAsksForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, slowly(gate))
		all := s.beginMany(3, "/x")
		own := s.begin(request(http.MethodGet, "/x", "Cache-Control", "no-store"))
		settle()
		s.wantCalls(t, 2)
		close(gate)
		for _, c := range append(all, own) {
			<-c
		}
	})
}

func TestOneWhoseResponseVariesAsksOnceTheFirstIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(time.Second)
			saying(r.Header.Get("Accept-Language"), "Cache-Control", "max-age=60", "Vary", "Accept-Language")(w, r)
		})
		var all []<-chan ended
		for i := range 30 {
			all = append(all, s.begin(request(http.MethodGet, "/x", "Accept-Language", fmt.Sprint(i%3))))
		}
		start := time.Now()
		for i, c := range all {
			if a := <-c; a.body != fmt.Sprint(i%3) {
				t.Errorf("request %d in language %d has the page in %q, %s", i, i%3, a.body, a.status())
			}
		}
		s.wantCalls(t, 3)
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("they took %v, want 2s: the first, and then the others at once", got)
		}
		settle()
		for i := range 3 {
			if a := s.get("/x", "Accept-Language", fmt.Sprint(i)); a.body != fmt.Sprint(i) || !a.isHit() {
				t.Errorf("later, language %d: %q, %s", i, a.body, a.status())
			}
		}
	})
}

func TestEachLeaderFailsForItselfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			n := s.calls.Load()
			if n <= 2 {
				<-time.After(time.Second)
				panic(http.ErrAbortHandler)
			}
			saying("page", "Cache-Control", "max-age=60")(w, r)
		})
		all := s.beginMany(4, "/x")
		failed := 0
		for _, c := range all {
			if a := <-c; a.panicked != nil {
				failed++
			} else if a.body != "page" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		if failed != 2 {
			t.Errorf("%d requests failed, want the two that called the handler when it did", failed)
		}
	})
}
