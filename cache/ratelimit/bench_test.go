package ratelimit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

// BenchmarkDecision is what a limiter over memory adds to a request, with the fields that it sets.
func BenchmarkDecision(b *testing.B) {
	for name, limits := range map[string][]cache.Limit{
		"allowed": {{Requests: 1 << 30, Period: time.Hour}},
		"refused": {{Requests: 1, Period: time.Hour}},
	} {
		b.Run(name, func(b *testing.B) {
			c, err := cache.New(memory(b), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			l, err := ratelimit.New(c, &ratelimit.Options{Limits: limits})
			if err != nil {
				b.Fatal(err)
			}
			h := l.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", http.NoBody)
			w := &discard{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}
