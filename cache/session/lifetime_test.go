package session_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/session"
)

func TestASessionEndsWhenNobodyUsesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		b.get("/login?user=alice")
		<-time.After(30*time.Minute - time.Millisecond)
		b.want("alice:")
		<-time.After(30 * time.Minute)
		b.want(":")
		s.wantUsers()
	})
}

func TestUseKeepsASessionUntilItsLifetimeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		b.get("/login?user=alice")
		for range 95 { // a quarter of an hour each
			<-time.After(15 * time.Minute)
			b.want("alice:")
		}
		<-time.After(15*time.Minute - time.Nanosecond)
		b.want("alice:")
		<-time.After(time.Nanosecond)
		b.want(":")
		<-time.After(time.Millisecond) // the index outlives it
		if keys := s.keys(); len(keys) > 0 {
			t.Errorf("the store still has %q", keys)
		}
	})
}

func TestWritingKeepsASessionToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t, nil, nil).browser()
		b.get("/add?item=apple")
		for range 4 {
			<-time.After(29 * time.Minute)
			b.get("/set?item=pear")
			b.get("/set?item=apple")
		}
		b.want(":apple")
	})
}

func TestAUseIsNotedATenthOfTheIdleTimeoutApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		b.get("/add?item=apple")
		for _, tc := range []struct {
			after time.Duration
			url   string
			want  []string
		}{
			{0, "/show", []string{"get"}},
			{3*time.Minute - 1, "/show", []string{"get"}},
			{1, "/nothing", nil},
			{0, "/show", []string{"get", "swap"}},
			{0, "/show", []string{"get"}},
			{2 * time.Minute, "/add?item=pear", []string{"get", "swap"}}, // which notes it too
			{2 * time.Minute, "/show", []string{"get"}},
			{time.Minute, "/show", []string{"get", "swap"}},
		} {
			<-time.After(tc.after)
			if got := s.spy.asked(func() { b.get(tc.url) }); !slices.Equal(got, tc.want) {
				t.Errorf("%v later %s asks the store %q, want %q", tc.after, tc.url, got, tc.want)
			}
		}
	})
}

func TestASessionEndsBetweenNineTenthsAndOneIdleTimeoutAfterItsLastUse(t *testing.T) {
	for _, last := range []time.Duration{0, time.Minute, 3*time.Minute - 1, 3 * time.Minute, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, nil)
			b := s.browser()
			b.get("/add?item=apple")
			<-time.After(last)
			b.want(":apple") // the last use
			<-time.After(27*time.Minute - time.Nanosecond)
			s.wantUsers("")
			<-time.After(3*time.Minute + time.Nanosecond)
			s.wantUsers()
		})
	}
}

func TestALoginBeginsANewLifetimeAndRenewDoesNot(t *testing.T) {
	for url, want := range map[string]time.Duration{"/login?user=alice": 34 * time.Hour, "/login?user=bob": 34 * time.Hour, "/renew": 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &session.Options{IdleTimeout: 24 * time.Hour}, nil)
			b, began := s.browser(), time.Now()
			b.get("/login?user=alice")
			<-time.After(10 * time.Hour)
			b.get(url)
			for _, info := range s.infos() {
				if got := info.Expires.Sub(began); got != want {
					t.Errorf("%s: the session expires %v after the first login, want %v", url, got, want)
				}
			}
		})
	}
}

func TestARequestOfASessionThatEndsMeanwhileIsAConflict(t *testing.T) {
	for _, url := range []string{"/add", "/renew"} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &session.Options{Lifetime: 2 * time.Minute}, pages{"/slow": func(_ http.ResponseWriter, r *http.Request) error {
				if url == "/renew" {
					if err := session.From(r.Context()).Renew(r.Context()); err != nil {
						return err
					}
				} else if err := session.Set(r.Context(), cart{[]string{"pear"}}); err != nil {
					return err
				}
				<-time.After(2 * time.Minute)
				return nil
			}})
			b := s.browser()
			b.get("/login?user=alice")
			if a := b.get("/slow"); a.StatusCode != http.StatusConflict || len(a.cookies()) > 0 {
				t.Errorf("%s: %s, %q, want a conflict without a cookie", url, a.Status, a.cookies())
			}
			s.wantUsers()
		})
	}
}

func TestNothingStaysInTheStoreForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		for _, user := range []string{"alice", "alice", "bob"} {
			b := s.browser()
			b.get("/add?item=apple")
			b.get("/login?user=" + user)
			b.get("/renew")
		}
		if err := s.sessions.Clear(context.Background()); err != nil {
			t.Error(err)
		}
		s.browser().get("/login?user=alice")
		for _, key := range s.keys() {
			if ttl, found, err := s.cache.TTL(context.Background(), key); !found || err != nil || ttl > 24*time.Hour+time.Millisecond {
				t.Errorf("%q lives for %v, %v", key, ttl, err)
			}
		}
		<-time.After(24*time.Hour + time.Millisecond)
		if keys := s.keys(); len(keys) > 0 {
			t.Errorf("a day later the store still has %q", keys)
		}
	})
}

func TestTheIndexOfAUserLivesAsLongAsTheirLastSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &session.Options{IdleTimeout: 24 * time.Hour}, nil)
		s.browser().get("/login?user=alice")
		<-time.After(20 * time.Hour)
		b := s.browser()
		b.get("/login?user=alice")
		<-time.After(23 * time.Hour) // the first has expired
		if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
			t.Error(err)
		}
		b.want(":")
		if keys := s.keys(); len(keys) > 0 {
			t.Errorf("the store still has %q", keys)
		}
	})
}
