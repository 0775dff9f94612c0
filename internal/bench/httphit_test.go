package main

import (
	"strings"
	"testing"
)

// BenchmarkHTTPHit is what http/hit does, for a profile: go test -C internal/bench -run '^$' -bench HTTPHit -cpuprofile cpu.out .
func BenchmarkHTTPHit(b *testing.B) {
	for _, size := range httpSizes() {
		callers, err := newHTTPCallers(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = callers.close() })
		for _, c := range callers.contenders() {
			b.Run(strings.ReplaceAll(c.name, " ", "_")+"/"+strings.ReplaceAll(kibibytes(size), " ", ""), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := c.call(b.Context(), 0, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestAResponseThatIsNotTheWholeBodyIsAnError(t *testing.T) {
	callers, err := newHTTPCallers(1 << 10)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = callers.close() }()
	for _, c := range callers.contenders() {
		for range 2 { // the second is a hit
			if err := c.call(t.Context(), 0, 0); err != nil {
				t.Error(err)
			}
		}
	}
	callers.size = 1 << 11 // which the site lacks
	for _, c := range callers.contenders() {
		if err := c.call(t.Context(), 0, 0); err == nil || !strings.Contains(err.Error(), "status 404") {
			t.Errorf("%s: %v, want its status", c.name, err)
		}
	}
}
