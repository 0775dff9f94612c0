package session_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
)

func TestAChangeGivesWayToOthersAndIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		others int // that are faster, one before each try
		want   int
	}{
		"nobody is faster":        {0, http.StatusOK},
		"others are, for a while": {999, http.StatusOK},
		"others are, for ever":    {1000, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, nil)
				b := s.browser()
				b.get("/add?item=a")
				n := 0
				s.spy.before = func(ctx context.Context, op, key string) error {
					if op != "swap" {
						return nil
					}
					if n++; n > c.others {
						return nil
					}
					raw, _, err := s.spy.full.Get(ctx, key)
					if err != nil {
						return err
					}
					raw[37]++ // of the revision
					return s.spy.full.Set(ctx, key, raw, cache.Forever)
				}
				if a := b.get("/add?item=b"); a.StatusCode != c.want {
					t.Errorf("%s", a.Status)
				}
				s.spy.before = nil
				want := ":a,b"
				if c.want != http.StatusOK {
					want = ":a"
				}
				if got := b.get("/show").body; !strings.HasPrefix(got, want) || len(got) != len(want) {
					t.Errorf("the session is %q, want %q", got, want)
				}
			})
		})
	}
}
