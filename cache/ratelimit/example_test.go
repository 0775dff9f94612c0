package ratelimit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// newCache is what a program gets from its registry.
func newCache() *cache.Cache {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	return c
}

// request is a GET that a client sends from an address; fields are names and values in turn.
func request(from, path string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from + ":1234"
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

// answers prints what a limiter with these options answers.
func answers(o *ratelimit.Options, requests ...*http.Request) {
	c := newCache()
	defer func() { _ = c.Close() }()
	limiter, err := ratelimit.New(c, o)
	if err != nil {
		panic(err)
	}
	h := limiter.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, r := range requests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code, left(w.Header()))
	}
}

// left is what RateLimit says but for the seconds, which pass.
func left(h http.Header) string {
	if h.Get("RateLimit") == "" {
		return "not limited"
	}
	name, _, _ := strings.Cut(h.Get("RateLimit"), ";t=")
	return name
}

func Example() {
	c := newCache()
	defer func() { _ = c.Close() }()
	limiter, err := ratelimit.New(c, &ratelimit.Options{Limits: []cache.Limit{{Requests: 2, Period: time.Hour}}})
	if err != nil {
		panic(err)
	}
	h := limiter.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("192.0.2.1", "/"))
		fmt.Println(w.Code, w.Header().Get("RateLimit-Policy"), left(w.Header()), w.Header().Get("Retry-After") != "")
	}
	// Output:
	// 200 "default";q=2;w=3600 "default";r=1 false
	// 200 "default";q=2;w=3600 "default";r=0 false
	// 429 "default";q=2;w=3600 "default";r=0 true
}

// Few at once and many a day: a request is taken from both, or from none. The field tells of the one that is nearer.
func ExampleOptions_limits() {
	answers(&ratelimit.Options{Limits: []cache.Limit{
		{Name: "burst", Requests: 1, Period: time.Minute},
		{Name: "daily", Requests: 1000, Period: 24 * time.Hour},
	}}, request("192.0.2.1", "/"), request("192.0.2.1", "/"))
	// Output:
	// 200 "burst";r=0
	// 429 "burst";r=0
}

// Users have the limits of their plans, which have names of their own, and count wherever they come from.
func ExampleOptions_limitsFor() {
	plans := map[string][]cache.Limit{"alice": {{Name: "gold", Requests: 100, Period: time.Hour}}}
	user := func(r *http.Request) string { return r.Header.Get("User") } // of the session, or of a token that has been checked
	answers(&ratelimit.Options{
		Client: user,
		Limits: []cache.Limit{{Name: "free", Requests: 1, Period: time.Hour}},
		LimitsFor: func(r *http.Request) []cache.Limit {
			if plan, ok := plans[user(r)]; ok {
				return plan
			}
			return []cache.Limit{{Name: "free", Requests: 1, Period: time.Hour}}
		},
	}, request("192.0.2.1", "/", "User", "alice"), request("198.51.100.1", "/", "User", "alice"), request("192.0.2.1", "/"), request("192.0.2.1", "/"))
	// Output:
	// 200 "gold";r=99
	// 200 "gold";r=98
	// 200 "free";r=0
	// 429 "free";r=0
}

// Who has logged in is a client wherever they come from; everybody else is their address.
func ExampleOptions_client() {
	answers(&ratelimit.Options{
		Limits: []cache.Limit{{Requests: 1, Period: time.Hour}},
		Client: func(r *http.Request) string { return r.Header.Get("User") }, // of the session, or of a token that has been checked
	}, request("192.0.2.1", "/", "User", "alice"), request("198.51.100.1", "/", "User", "alice"), request("192.0.2.1", "/", "User", "bob"), request("192.0.2.1", "/"))
	// Output:
	// 200 "default";r=0
	// 429 "default";r=0
	// 200 "default";r=0
	// 200 "default";r=0
}

func ExampleOptions_cost() {
	answers(&ratelimit.Options{
		Limits: []cache.Limit{{Requests: 10, Period: time.Hour}},
		Cost: func(r *http.Request) int64 {
			if r.URL.Path == "/report" {
				return 7
			}
			return 1
		},
	}, request("192.0.2.1", "/report"), request("192.0.2.1", "/report"), request("192.0.2.1", "/"))
	// Output:
	// 200 "default";r=3
	// 429 "default";r=3
	// 200 "default";r=2
}

// Only proxies of one's own are believed when they say for whom they ask.
func ExampleOptions_trustedProxies() {
	answers(&ratelimit.Options{
		Limits:         []cache.Limit{{Requests: 1, Period: time.Hour}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	},
		request("10.0.0.1", "/", "X-Forwarded-For", "198.51.100.1"),
		request("10.0.0.1", "/", "X-Forwarded-For", "198.51.100.2"),
		request("10.0.0.2", "/", "X-Forwarded-For", "invented, 198.51.100.1"))
	// Output:
	// 200 "default";r=0
	// 200 "default";r=0
	// 429 "default";r=0
}

func ExampleOptions_exempt() {
	answers(&ratelimit.Options{
		Limits: []cache.Limit{{Requests: 1, Period: time.Hour}},
		Exempt: []string{"/robots.txt", "/static/*"},
	}, request("192.0.2.1", "/"), request("192.0.2.1", "/"), request("192.0.2.1", "/static/logo.svg"), request("192.0.2.1", "/static/../"))
	// Output:
	// 200 "default";r=0
	// 429 "default";r=0
	// 200 not limited
	// 429 "default";r=0
}

// While the store fails, requests are counted in this process, or none are let through.
func ExampleOptions_failClosed() {
	for _, closed := range []bool{false, true} {
		c := newCache()
		limiter, err := ratelimit.New(c, &ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: time.Hour}}, FailClosed: closed})
		if err != nil {
			panic(err)
		}
		h := limiter.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		_ = c.Close() // a store that is gone
		for range 2 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request("192.0.2.1", "/"))
			fmt.Println(w.Code, left(w.Header()))
		}
	}
	// Output:
	// 200 "default";r=0
	// 429 "default";r=0
	// 503 not limited
	// 503 not limited
}

// For clients that know the older fields.
func ExampleOptions_legacyFields() {
	c := newCache()
	defer func() { _ = c.Close() }()
	limiter, err := ratelimit.New(c, &ratelimit.Options{Limits: []cache.Limit{{Requests: 5, Period: time.Hour}}, LegacyFields: true})
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	limiter.Handler(http.NotFoundHandler()).ServeHTTP(w, request("192.0.2.1", "/"))
	reset, err := strconv.ParseInt(w.Header().Get("X-RateLimit-Reset"), 10, 64)
	fmt.Println(w.Header().Get("X-RateLimit-Limit"), w.Header().Get("X-RateLimit-Remaining"), time.Until(time.Unix(reset, 0)).Round(time.Minute), err)
	// Output:
	// 5 4 12m0s <nil>
}

// Two limiters in one cache have names, and count apart.
func ExampleLimiter_Handler() {
	c := newCache()
	defer func() { _ = c.Close() }()
	site, err := ratelimit.New(c, &ratelimit.Options{Name: "site", Limits: []cache.Limit{{Requests: 100, Period: time.Hour}}})
	if err != nil {
		panic(err)
	}
	login, err := ratelimit.New(c, &ratelimit.Options{Name: "login", Limits: []cache.Limit{{Requests: 1, Period: time.Hour}}})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", login.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	h := site.Handler(mux) // around all, so that what matches no route is limited too
	for _, path := range []string{"/login", "/login", "/nothing"} {
		r := request("192.0.2.1", path)
		r.Method = http.MethodPost
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Values("RateLimit-Policy"))
	}
	// Output:
	// 200 ["site";q=100;w=3600 "login";q=1;w=3600]
	// 429 ["site";q=100;w=3600 "login";q=1;w=3600]
	// 404 ["site";q=100;w=3600]
}

// What to count, and who decided: the store, unless it fails.
func ExampleOptions_onDecision() {
	c := newCache()
	limiter, err := ratelimit.New(c, &ratelimit.Options{
		FailClosed: true,
		OnDecision: func(e ratelimit.Event) { fmt.Println(e.Limiter, e.Allowed, e.By, e.Err) },
	})
	if err != nil {
		panic(err)
	}
	h := limiter.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	h.ServeHTTP(httptest.NewRecorder(), request("192.0.2.1", "/"))
	_ = c.Close() // a store that is gone
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request("192.0.2.1", "/"))
	fmt.Println(w.Code)
	// Output:
	// default true store <nil>
	// default false nobody cache: take "default 192.0.2.1": closed
	// 503
}
