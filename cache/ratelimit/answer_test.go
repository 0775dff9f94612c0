package ratelimit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

func TestEveryAnswerSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{Limits: []cache.Limit{{Name: "burst", Requests: 2, Period: 1500 * time.Millisecond}, {Name: "daily", Requests: 100, Period: 24 * time.Hour}}})
		for _, want := range []struct {
			status                   int
			ratelimit, retry, legacy string
		}{
			{204, `"burst";r=1;t=1`, "", ""},
			{204, `"burst";r=0;t=2`, "", ""},
			{429, `"burst";r=0;t=1`, "1", ""},
		} {
			res := s.from(peer, "/")
			if got := res.Header.Get("Ratelimit-Policy"); got != `"burst";q=2;w=2, "daily";q=100;w=86400` {
				t.Errorf("RateLimit-Policy: %s", got)
			}
			if res.StatusCode != want.status || res.Header.Get("Ratelimit") != want.ratelimit || res.Header.Get("Retry-After") != want.retry {
				t.Errorf("%d, RateLimit %q, Retry-After %q; want %d, %q, %q", res.StatusCode, res.Header.Get("Ratelimit"), res.Header.Get("Retry-After"),
					want.status, want.ratelimit, want.retry)
			}
			if res.Header.Get("X-Ratelimit-Limit") != "" {
				t.Error("there is X-RateLimit-Limit, which nobody asked for")
			}
		}
	})
}

// TestRetryAfterIsRight follows the advice: a request that comes then is let through, and one that comes a second before is not.
func TestRetryAfterIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: 40 * time.Second}}})
		s.from(peer, "/")
		<-time.After(7 * time.Second)
		if got := s.from(peer, "/").Header.Get("Retry-After"); got != "33" {
			t.Fatalf("Retry-After is %q, want 33", got)
		}
		<-time.After(32 * time.Second)
		if res := s.from(peer, "/"); res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a second too early: %d", res.StatusCode)
		}
		<-time.After(time.Second)
		if res := s.from(peer, "/"); res.StatusCode != http.StatusNoContent {
			t.Errorf("after Retry-After: %d", res.StatusCode)
		}
	})
}

func TestARefusalIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, once(ratelimit.Options{Name: "login"}))
		s.from(peer, "/")
		res := s.from(peer, "/")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		want := map[string]any{
			"type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "title": "Too Many Requests", "status": 429.0,
			"detail":            "This client has made more requests than are allowed; Retry-After says in how many seconds the next one is.",
			"violated-policies": []any{"login"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the problem (-want +got):\n%s", diff)
		}
		if ct, cc := res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"); ct != "application/problem+json" || cc != "no-store" {
			t.Errorf("Content-Type %q, Cache-Control %q", ct, cc)
		}
		if s.calls != 1 {
			t.Errorf("the handler was called %d times", s.calls)
		}
	})
}

func TestLegacyFieldsAreThereWhereAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{LegacyFields: true, Limits: []cache.Limit{{Requests: 10, Period: 10 * time.Second}}})
		s.from(peer, "/")
		h := s.from(peer, "/").Header
		// A bubble begins at midnight of 2000-01-01.
		if got := []string{h.Get("X-Ratelimit-Limit"), h.Get("X-Ratelimit-Remaining"), h.Get("X-Ratelimit-Reset")}; !cmp.Equal(got, []string{"10", "8", "946684802"}) {
			t.Errorf("limit, remaining, reset: %q", got)
		}
	})
}

func TestALimiterInsideAnotherAddsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := limit(t, once(ratelimit.Options{Name: "inner"}))
		c, err := cache.New(memory(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		l, err := ratelimit.New(c, &ratelimit.Options{Name: "outer"})
		if err != nil {
			t.Fatal(err)
		}
		inner.handler = l.Handler(inner.handler)
		got := inner.from(peer, "/").Header.Values("Ratelimit")
		if want := []string{`"outer";r=99;t=1`, `"inner";r=0;t=3600`}; !cmp.Equal(got, want) {
			t.Errorf("RateLimit: %q, want %q", got, want)
		}
	})
}
