package httpcache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
)

// newCache returns a cache of responses over memory.
func newCache(o *httpcache.Options) *httpcache.Cache {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	responses, err := httpcache.New(c, o)
	if err != nil {
		panic(err)
	}
	return responses
}

// ask prints what a handler answers to a GET, and what its cache says of that. Responses are stored while nobody waits, and until then shared by those who ask
// at the same time: here everybody asks a moment later.
func ask(h http.Handler, url string, fields ...string) {
	for {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
		for i := 0; i < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if status := w.Header().Get("Cache-Status"); !strings.Contains(status, "collapsed") {
			fmt.Printf("%s: %s; %s\n", url, w.Body, status)
			return
		}
		runtime.Gosched()
	}
}

// visits is a page that counts how often it is made.
func visits() http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, "page %d", n)
	})
}

func Example() {
	responses := newCache(&httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}})
	defer responses.Close()
	site := responses.Handler(visits())
	ask(site, "/")
	ask(site, "/")
	ask(site, "/?page=2")
	// Output:
	// /: page 1; larder; fwd=uri-miss; stored
	// /: page 1; larder; hit
	// /?page=2: page 2; larder; fwd=uri-miss; stored
}

// A rule is for a handler, or for all that have none of their own.
func ExampleCache_HandlerFor() {
	responses := newCache(nil) // what the handlers' own Cache-Control says
	defer responses.Close()
	mux := http.NewServeMux()
	mux.Handle("/news", responses.HandlerFor(httpcache.Rule{TTL: cache.Forever}, visits()))
	mux.Handle("/account", responses.Handler(visits()))
	for range 2 {
		ask(mux, "/news")
		ask(mux, "/account")
	}
	// Output:
	// /news: page 1; larder; fwd=uri-miss; stored
	// /account: page 1; larder; fwd=uri-miss; detail=freshness
	// /news: page 1; larder; hit
	// /account: page 2; larder; fwd=uri-miss; detail=freshness
}

// Requests that differ in nothing that the handler reads may share a key.
func ExampleRule_key() {
	responses := newCache(nil)
	defer responses.Close()
	page := responses.HandlerFor(httpcache.Rule{TTL: cache.Forever, Key: func(r *http.Request) string { return r.Host + r.URL.Path }}, visits())
	ask(page, "/news?utm_source=mail")
	ask(page, "/news")
	// Output:
	// /news?utm_source=mail: page 1; larder; fwd=uri-miss; stored
	// /news: page 1; larder; hit
}

func ExampleRule_filter() {
	responses := newCache(nil)
	defer responses.Close()
	page := responses.HandlerFor(httpcache.Rule{
		TTL: cache.Forever,
		Filter: func(_ *http.Request, status int, h http.Header) bool {
			return status == http.StatusOK && h.Get("X-Draft") == ""
		},
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Draft", "yes")
		_, _ = io.WriteString(w, "a draft")
	}))
	ask(page, "/")
	// Output:
	// /: a draft; larder; fwd=uri-miss; detail=filter
}

// What is stored about a thing goes when the thing changes, whatever its URLs.
func ExampleCache_InvalidateTags() {
	responses := newCache(&httpcache.Options{Rule: httpcache.Rule{
		TTL:  cache.Forever,
		Tags: func(r *http.Request) []string { return []string{"author:" + r.URL.Query().Get("author")} },
	}})
	defer responses.Close()
	site := responses.Handler(visits())
	ask(site, "/books?author=7")
	ask(site, "/essays?author=7")
	if err := responses.InvalidateTags(context.Background(), "author:7"); err != nil {
		panic(err)
	}
	ask(site, "/books?author=7")
	// Output:
	// /books?author=7: page 1; larder; fwd=uri-miss; stored
	// /essays?author=7: page 2; larder; fwd=uri-miss; stored
	// /books?author=7: page 3; larder; fwd=uri-miss; stored
}

// The handler itself can say what belongs together, and what changes it (RFC 9875); so can the program.
func ExampleCache_InvalidateGroups() {
	responses := newCache(&httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}})
	defer responses.Close()
	pages := visits()
	site := responses.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Groups", `"books"`)
		pages.ServeHTTP(w, r)
	}))
	ask(site, "https://shop.example/books")
	if err := responses.InvalidateGroups(context.Background(), "https://shop.example", "books"); err != nil {
		panic(err)
	}
	ask(site, "https://shop.example/books")
	// Output:
	// https://shop.example/books: page 1; larder; fwd=uri-miss; stored
	// https://shop.example/books: page 2; larder; fwd=uri-miss; stored
}

// A cookie says who asks, and what one visitor gets no other does. Those of analytics say nothing that a page depends on.
func ExampleOptions_ignoreCookies() {
	responses := newCache(&httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}, IgnoreCookies: []string{"_ga"}})
	defer responses.Close()
	site := responses.Handler(visits())
	ask(site, "/", "Cookie", "_ga=GA1.1")
	ask(site, "/", "Cookie", "_ga=GA1.2")
	ask(site, "/", "Cookie", "session=abc")
	// Output:
	// /: page 1; larder; fwd=uri-miss; stored
	// /: page 1; larder; hit
	// /: page 2; larder; fwd=miss; detail=credentials
}

// A reload in a browser says no-cache, which anybody can: it is obeyed only where that is wanted.
func ExampleOptions_obeyClients() {
	responses := newCache(&httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}, ObeyClients: true})
	defer responses.Close()
	site := responses.Handler(visits())
	ask(site, "/")
	ask(site, "/")
	ask(site, "/", "Cache-Control", "no-cache")
	// Output:
	// /: page 1; larder; fwd=uri-miss; stored
	// /: page 1; larder; hit
	// /: page 2; larder; fwd=request; stored
}
