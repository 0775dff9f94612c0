package ratelimit_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// TestLegacyFieldsAreThereWhereAskedFor begins at midnight of 2000-01-01, as a bubble does, which is 946684800 seconds after 1970. One request comes back each 1.5 s.
func TestLegacyFieldsAreThereWhereAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{
			LegacyFields: true,
			Limits:       []cache.Limit{{Name: "daily", Requests: 100, Period: 24 * time.Hour}, {Name: "burst", Requests: 2, Period: 3 * time.Second}},
		})
		for _, step := range []struct {
			after  time.Duration
			status int
			want   []string // limit, remaining, reset
		}{
			{0, 204, []string{"2", "1", "946684802"}},
			{0, 204, []string{"2", "0", "946684803"}},
			{0, 429, []string{"2", "0", "946684803"}},
			{time.Second, 429, []string{"2", "0", "946684803"}},
			{time.Second / 2, 204, []string{"2", "0", "946684805"}},
			{3 * time.Second, 204, []string{"2", "1", "946684806"}},
		} {
			<-time.After(step.after)
			res := s.from(peer, "/")
			h := res.Header
			got := []string{h.Get("X-Ratelimit-Limit"), h.Get("X-Ratelimit-Remaining"), h.Get("X-Ratelimit-Reset")}
			if res.StatusCode != step.status || !cmp.Equal(got, step.want) {
				t.Errorf("%v later: %d with limit, remaining, reset %q, want %d with %q", step.after, res.StatusCode, got, step.status, step.want)
			}
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

// TestRetryAfterIsExact is about a limit whose requests come back after whole seconds: a nanosecond before one is refused by the store, and by what this process remembers.
func TestRetryAfterIsExact(t *testing.T) {
	for _, remembers := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := limit(t, ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: 15 * time.Second}}})
			s.pass(3, peer)
			if remembers {
				s.pass(1, peer)
			}
			<-time.After(5*time.Second - 1)
			res := s.from(peer, "/")
			if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" {
				t.Errorf("a nanosecond too early: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
			}
			<-time.After(1)
			if n := s.pass(3, peer); n != 1 {
				t.Errorf("after Retry-After %d passed, want 1", n)
			}
		})
	}
}

// TestWhatIsToldIsRoundedUp is about times between two seconds: a client that comes when it is told to is not refused.
func TestWhatIsToldIsRoundedUp(t *testing.T) {
	for period, want := range map[time.Duration][2]string{
		time.Microsecond:                     {`"default";r=0;t=1`, "1"},
		999 * time.Millisecond:               {`"default";r=0;t=1`, "1"},
		time.Second:                          {`"default";r=0;t=1`, "1"},
		time.Second + time.Microsecond:       {`"default";r=0;t=2`, "2"},
		400 * 24 * time.Hour:                 {`"default";r=0;t=34560000`, "34560000"},
		400*24*time.Hour - 1*time.Nanosecond: {"", ""}, // no whole number of microseconds: one of Options.Limits' 100 a minute
	} {
		synctest.Test(t, func(t *testing.T) {
			s := limit(t, ratelimit.Options{
				Logger:    slog.New(slog.DiscardHandler),
				LimitsFor: func(*http.Request) []cache.Limit { return []cache.Limit{{Requests: 1, Period: period}} },
			})
			if res := s.from(peer, "/"); want[0] != "" && res.Header.Get("Ratelimit") != want[0] {
				t.Errorf("%v: RateLimit is %q, want %q", period, res.Header.Get("Ratelimit"), want[0])
			}
			if res := s.from(peer, "/"); res.Header.Get("Retry-After") != want[1] || want[1] != "" && res.Header.Get("Ratelimit") != want[0] {
				t.Errorf("%v: RateLimit is %q, Retry-After %q, want %q, %q", period, res.Header.Get("Ratelimit"), res.Header.Get("Retry-After"), want[0], want[1])
			}
		})
	}
}

// TestHEADIsToldWhatGETIs but for the body.
func TestHEADIsToldWhatGETIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		for _, o := range []ratelimit.Options{once(ratelimit.Options{}), once(ratelimit.Options{FailClosed: true})} {
			store.down.Store(false)
			s := limitOver(t, store, o)
			s.from(peer, "/")
			store.down.Store(o.FailClosed)
			get := s.from(peer, "/")
			body, err := io.ReadAll(get.Body)
			if err != nil || len(body) == 0 {
				t.Fatalf("GET: %q, %v", body, err)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/", http.NoBody)
			r.RemoteAddr = peer
			s.handler.ServeHTTP(w, r)
			if w.Code != get.StatusCode || w.Body.Len() > 0 || w.Header().Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Errorf("HEAD: %d with %d bytes, Content-Length %q; want %d with none, %d", w.Code, w.Body.Len(), w.Header().Get("Content-Length"), get.StatusCode, len(body))
			}
			if diff := cmp.Diff(get.Header, w.Header()); diff != "" {
				t.Errorf("the fields of GET and HEAD (-GET +HEAD):\n%s", diff)
			}
		}
	})
}

func TestAStoreThatFailsIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		store.down.Store(true)
		res := limitOver(t, store, ratelimit.Options{FailClosed: true, LegacyFields: true}).from(peer, "/")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Requests cannot be counted at the moment, and none are let through uncounted."}`
		if string(body) != want || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%d: %s, want %s", res.StatusCode, body, want)
		}
		wantFields := http.Header{"Content-Type": {"application/problem+json"}, "Content-Length": {strconv.Itoa(len(want))}, "Cache-Control": {"no-store"}}
		if diff := cmp.Diff(wantFields, res.Header); diff != "" {
			t.Errorf("the fields (-want +got):\n%s", diff)
		}
	})
}
