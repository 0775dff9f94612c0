package httpcache_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// variants asks for a URL with many values of a field, a second apart, and returns for which of them it is stored in the end.
func (s *service) variants(n int) (kept []string) {
	s.t.Helper()
	for i := range n {
		s.get("/x", "A", fmt.Sprint(i))
		settle()
		<-time.After(time.Second)
	}
	for i := range n {
		if a := s.get("/x", "A", fmt.Sprint(i), "Cache-Control", "only-if-cached"); a.isHit() {
			kept = append(kept, a.body)
		}
	}
	return kept
}

func TestVariantsAreBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		max  int
		want []string
	}{
		{"by 3, of which that goes which would go first", 3, []string{"3", "4", "5"}},
		{"by 1", 1, []string{"5"}},
		{"by 32 unless it is said", 0, []string{"0", "1", "2", "3", "4", "5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{MaxVariants: c.max}, varying("A", "A"))
				if got := s.variants(6); !slices.Equal(got, c.want) {
					t.Errorf("stored are %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestThereAre32VariantsUnlessItIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, varying("A", "A"))
		if got := s.variants(34); len(got) != 32 || slices.Contains(got, "1") || !slices.Contains(got, "2") {
			t.Errorf("stored are %d: %v", len(got), got)
		}
	})
}

// Handlers read these without saying so: who sends one gets an answer of its own, and gives it to nobody else.
func TestAFieldThatRoutesARequestTellsResponsesApart(t *testing.T) {
	for _, name := range []string{"X-Forwarded-Host", "X-Original-URL", "X-HTTP-Method-Override", "Forwarded"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					saying(r.Header.Get(name), "Cache-Control", "max-age=60")(w, r)
				})
				for range 2 {
					for _, value := range []string{"", "host=b.example", "host=c.example"} {
						var fields []string
						if value != "" {
							fields = []string{name, value}
						}
						if a := s.get("/x", fields...); a.body != value {
							t.Errorf("who sends %q gets %q, %s", value, a.body, a.status())
						}
						settle()
					}
				}
				if a := s.get("/x", name, "host=b.example"); !a.isHit() {
					t.Errorf("who sends the same gets %s", a.status())
				}
			})
		})
	}
}
