package httpcache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// sink is a ResponseWriter that keeps nothing, so that what is measured is the cache.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

func BenchmarkHit(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := serve(b, nil, saying(strings.Repeat("x", size), "Cache-Control", "max-age=3600", "Content-Type", "text/plain"))
			s.get("/x")
			wait.Until(b, func() bool { return s.get("/x").isHit() })
			r := request(http.MethodGet, "http://example.com/some/path?with=query", "Accept", "*/*", "User-Agent", "bench", "Accept-Encoding", "gzip")
			s.send(r)
			wait.Until(b, func() bool { return s.send(r).isHit() })
			for range 100 { // until the store is trusted
				s.send(r)
			}
			w := &sink{header: make(http.Header)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				s.handler.ServeHTTP(w, r)
			}
		})
	}
}
