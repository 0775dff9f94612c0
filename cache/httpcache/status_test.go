package httpcache_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dunglas/httpsfv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

// RFC 9211 section 2. Each answer is that to the request that is named, after one to GET /x, apart from which nothing was stored.
func TestCacheStatus(t *testing.T) {
	const maxAge = "max-age=60"
	for _, c := range []struct {
		name    string
		control string
		at      time.Duration
		request *http.Request
		want    string
	}{
		{"of a hit has how long it is fresh", maxAge, 10 * time.Second, request("GET", "/x"), "larder; hit; ttl=50"},
		{"of a hit rounds up, so that what is fresh is above 0", maxAge, 59*time.Second + 1, request("GET", "/x"), "larder; hit; ttl=1"},
		{"of a stale hit is 0 at the end", "max-age=60, stale-while-revalidate=60", time.Minute, request("GET", "/x"), "larder; hit; ttl=0"},
		{"of a stale hit rounds down, so that what is stale is not above 0", "max-age=60, stale-while-revalidate=60", time.Minute + 1, request("GET", "/x"), "larder; hit; ttl=-1"},
		{"of HEAD is a hit too", maxAge, 10 * time.Second, request("HEAD", "/x"), "larder; hit; ttl=50"},
		{"of 304 is a hit too", maxAge, 10 * time.Second, request("GET", "/x", "If-None-Match", "*"), "larder; hit; ttl=50"},
		{"of a part is a hit too", maxAge, 10 * time.Second, request("GET", "/x", "Range", "bytes=0-0"), "larder; hit; ttl=50"},
		{"of a miss of the URL", maxAge, 0, request("GET", "/y"), "larder; fwd=uri-miss; ttl=60; stored"},
		{"of what is stale", maxAge, time.Minute, request("GET", "/x"), "larder; fwd=stale; ttl=60; stored"},
		{"of what is stored and not for this visitor", maxAge, 0, request("GET", "/x", "Cookie", "id=1"), "larder; fwd=miss; detail=credentials"},
		{"of a client's wish", maxAge, 10 * time.Second, request("GET", "/x", "Cache-Control", "no-cache"), "larder; fwd=request; ttl=60; stored"},
		{"of what has to be validated", "no-cache", 10 * time.Second, request("GET", "/x"), "larder; fwd=stale; ttl=0; stored"},
		{"of a method that is not cached", maxAge, 0, request("POST", "/x"), "larder; fwd=method"},
		{"of a safe method that is not cached", maxAge, 0, request("OPTIONS", "/x"), "larder; fwd=method"},
		{"of a body", maxAge, 0, with(request("GET", "/x"), func(r *http.Request) { r.ContentLength = 5 }), "larder; fwd=bypass; detail=body"},
		{"of a body without a length", maxAge, 0, with(request("GET", "/x"), func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }), "larder; fwd=bypass; detail=body"},
		{"of a change of protocol", maxAge, 0, request("GET", "/x", "Connection", "upgrade", "Upgrade", "websocket"), "larder; fwd=bypass; detail=upgrade"},
		{"of an Upgrade that is of no connection", maxAge, 0, request("GET", "/x", "Upgrade", "websocket"), "larder; hit; ttl=60"},
		{"of a precondition", maxAge, 0, request("GET", "/x", "If-Match", "*"), "larder; fwd=bypass; detail=precondition"},
		{"of a URL that is too long", maxAge, 0, request("GET", "/x?"+strings.Repeat("x", 9000)), "larder; fwd=bypass; detail=key"},
		{"of what is only to come from the store", maxAge, 0, request("GET", "/y", "Cache-Control", "only-if-cached"), "larder; detail=only-if-cached"},
		{"of what is not stored", "no-store", 0, request("GET", "/x"), "larder; fwd=uri-miss; detail=no-store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{ObeyClients: true}, saying("hello", "Cache-Control", c.control, "Etag", `"1"`))
				s.get("/x")
				settle()
				<-time.After(c.at)
				if got := s.send(c.request).status(); got != c.want {
					t.Errorf("it is %q, want %q", got, c.want)
				}
			})
		})
	}
}

func with(r *http.Request, change func(r *http.Request)) *http.Request {
	change(r)
	return r
}

func TestCacheStatusOfAVariantThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60", "Vary", "A"))
		s.get("/x", "A", "1")
		settle()
		if got, want := s.get("/x", "A", "2").status(), "larder; fwd=vary-miss; ttl=60; stored"; got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	})
}

func TestCacheStatusOfWhoWaitedForAnothersCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-time.After(time.Second)
			saying("hello", "Cache-Control", "max-age=60")(w, r)
		})
		answers := make(chan string, 2)
		for range 2 {
			go func() { answers <- s.get("/x").status() }()
		}
		got := []string{<-answers, <-answers}
		slices.Sort(got)
		if want := []string{"larder; fwd=uri-miss; collapsed", "larder; fwd=uri-miss; ttl=59; stored"}; !slices.Equal(got, want) {
			t.Errorf("they are %q, want %q", got, want)
		}
	})
}

// Of forever there is no number.
func TestCacheStatusOfForeverHasNoTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}}, saying("hello")).twice()
		if first.status() != "larder; fwd=uri-miss; stored" || second.status() != "larder; hit" {
			t.Errorf("it is %q, then %q", first.status(), second.status())
		}
	})
}

func TestCacheStatusWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := httpcache.New(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &service{t: t, handler: h.Handler(saying("hello", "Cache-Control", "max-age=60"))}
		for range 2 {
			if got, want := s.get("/x").status(), "larder; fwd=uri-miss; ttl=60"; got != want {
				t.Errorf("it is %q, want %q", got, want)
			}
		}
	})
}

// A cache nearer to the origin has its members before (RFC 9211 section 2).
func TestCacheStatusComesAfterThatOfTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60", "Cache-Status", "inner; hit, middle; fwd=stale"))
		first, second := s.twice()
		post := s.do(http.MethodPost, "/y")
		for name, c := range map[string]struct {
			got  answer
			want string
		}{
			"of a miss": {first, "inner; hit, middle; fwd=stale, larder; fwd=uri-miss; ttl=60; stored"},
			"of a hit":  {second, "inner; hit, middle; fwd=stale, larder; hit; ttl=60"},
			"of a POST": {post, "inner; hit, middle; fwd=stale, larder; fwd=method"},
		} {
			if c.got.status() != c.want {
				t.Errorf("%s it is %q, want %q", name, c.got.status(), c.want)
			}
		}
	})
}

func TestCacheStatusIsOnceOnAResponseThatWasStoredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, tagged(`"1"`, "Cache-Control", "max-age=10"))
		for range 3 {
			if a := s.after(20 * time.Second); strings.Count(a.status(), "larder") != 1 {
				t.Errorf("it is %q", a.status())
			}
		}
	})
}

// The field is a list whose members are tokens with parameters: what any reader of structured fields can read.
func TestCacheStatusIsAStructuredField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Name: "A-1"}, saying("hello", "Cache-Control", "max-age=60"))
		first, second := s.twice()
		post := s.do(http.MethodPost, "/x", "Content-Type", "text/css")
		for _, a := range []answer{first, second, post} {
			list, err := httpsfv.UnmarshalList(a.Header["Cache-Status"])
			if err != nil || len(list) != 1 {
				t.Fatalf("%q: %v", a.status(), err)
			}
			item, _ := list[0].(httpsfv.Item)
			if item.Value != httpsfv.Token("A-1") {
				t.Errorf("the cache's name is %v", item.Value)
			}
			if got, err := httpsfv.Marshal(list); err != nil || strings.ReplaceAll(got, ";", "; ") != a.status() {
				t.Errorf("%q reads as %q, %v", a.status(), got, err)
			}
		}
	})
}
