package ratelimit_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

func once(o ratelimit.Options) ratelimit.Options {
	o.Limits = []cache.Limit{{Requests: 1, Period: time.Hour}}
	return o
}

// TestWhoIsTheSameClient asks twice: the second request passes if it is another's.
func TestWhoIsTheSameClient(t *testing.T) {
	const xff = "X-Forwarded-For"
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	type from struct{ peer, forwarded string }
	for _, c := range []struct {
		name          string
		first, second from
		same          bool
	}{
		{"the same address from another port", from{peer: "192.0.2.1:1"}, from{peer: "192.0.2.1:2"}, true},
		{"another address", from{peer: "192.0.2.1:1"}, from{peer: "192.0.2.2:1"}, false},
		{"another address of the same IPv6 /64", from{peer: "[2001:db8:1:2::1]:1"}, from{peer: "[2001:db8:1:2:ffff::9]:1"}, true},
		{"another IPv6 /64", from{peer: "[2001:db8:1:2::1]:1"}, from{peer: "[2001:db8:1:3::1]:1"}, false},
		{"IPv4 dressed as IPv6", from{peer: "192.0.2.1:1"}, from{peer: "[::ffff:192.0.2.1]:1"}, true},
		{"two that are dressed as IPv6", from{peer: "[::ffff:192.0.2.1]:1"}, from{peer: "[::ffff:192.0.2.2]:1"}, false},
		{"a zone", from{peer: "[fe80::1%eth0]:1"}, from{peer: "[fe80::1%eth1]:1"}, true},
		{"a stranger who says that it asks for others", from{"192.0.2.1:1", "198.51.100.1"}, from{"192.0.2.1:1", "198.51.100.2"}, true},
		{"a trusted proxy that asks for others", from{"10.0.0.1:1", "198.51.100.1"}, from{"10.0.0.1:1", "198.51.100.2"}, false},
		{"a client through two trusted proxies", from{"10.0.0.1:1", "198.51.100.1"}, from{"10.0.0.2:1", "198.51.100.1, 10.9.9.9"}, true},
		{"what a client puts before its address", from{"10.0.0.1:1", "1.1.1.1, 198.51.100.1"}, from{"10.0.0.1:1", "2.2.2.2, 198.51.100.1"}, true},
		{"what is no address", from{"10.0.0.1:1", "nonsense"}, from{"10.0.0.1:1", "unknown"}, true},
		{"proxies only", from{"10.0.0.1:1", "10.1.1.1"}, from{"10.0.0.1:1", "10.2.2.2"}, true},
		{"a unix socket", from{peer: "@"}, from{peer: ""}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limit(t, once(ratelimit.Options{TrustedProxies: trusted, Logger: slog.New(slog.DiscardHandler)}))
				send := func(f from) int {
					if f.forwarded == "" {
						return s.from(f.peer, "/").StatusCode
					}
					return s.from(f.peer, "/", xff, f.forwarded).StatusCode
				}
				if got := send(c.first); got != http.StatusNoContent {
					t.Fatalf("the first got %d", got)
				}
				if same := send(c.second) == http.StatusTooManyRequests; same != c.same {
					t.Errorf("the same client: %t, want %t", same, c.same)
				}
			})
		})
	}
}

func TestANamedClientIsNoAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, once(ratelimit.Options{Client: func(r *http.Request) string { return r.Header.Get("User") }}))
		for _, step := range []struct {
			peer, user string
			want       int
		}{
			{"192.0.2.1:1", "alice", 204},
			{"192.0.2.9:1", "alice", 429},
			{"192.0.2.1:1", "bob", 204},
			{"192.0.2.1:1", "", 204},
			{"192.0.2.1:1", "", 429},
			{"192.0.2.2:1", "192.0.2.1", 204}, // a name that looks like an address
		} {
			if res := s.from(step.peer, "/", "User", step.user); res.StatusCode != step.want {
				t.Errorf("%q from %s: %d, want %d", step.user, step.peer, res.StatusCode, step.want)
			}
		}
	})
}

func TestAForwardedFieldThatIsNotBelievedIsLoggedOnceAnHour(t *testing.T) {
	for _, field := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			s := limit(t, ratelimit.Options{ProxiesSetting: "APP_TRUSTED_PROXIES", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			lines := func() int { return strings.Count(log.String(), "APP_TRUSTED_PROXIES") }
			for range 5 {
				s.from(peer, "/", field, "198.51.100.1")
			}
			if n := lines(); n != 1 || !strings.Contains(log.String(), "192.0.2.1") {
				t.Errorf("%s: %d lines, want 1 with the peer: %s", field, n, log.String())
			}
			<-time.After(time.Hour)
			s.from(peer, "/", field, "198.51.100.1")
			if n := lines(); n != 2 {
				t.Errorf("%s: after an hour %d lines, want 2", field, n)
			}
		})
	}
}

// TestUnderWhichKeysIsCounted is about what processes of different versions share, and what operators look for.
func TestUnderWhichKeysIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		s := limitOver(t, store, ratelimit.Options{Name: "site", Client: func(r *http.Request) string { return r.Header.Get("User") }})
		for _, c := range []struct{ peer, user, want string }{
			{"192.0.2.1:1", "", "site 192.0.2.1"},
			{"[::ffff:192.0.2.2]:1", "", "site 192.0.2.2"},
			{"[2001:db8:1:2:3:4:5:6]:1", "", "site 2001:db8:1:2::/64"},
			{"[::1]:1", "", "site ::/64"},
			{"@", "", "site unknown"},
			{"192.0.2.3:1", "alice", "site =K9gGyX8OAK8aH8Myj6djqSaXI8jbj6xPk69x2xhtbpA"},
		} {
			if found, err := store.Exists(t.Context(), c.want); found || err != nil {
				t.Errorf("%q is there before: %v", c.want, err)
			}
			s.from(c.peer, "/", "User", c.user)
			if found, err := store.Exists(t.Context(), c.want); !found || err != nil {
				t.Errorf("%q from %s is not counted under %q, %v", c.user, c.peer, c.want, err)
			}
		}
	})
}
