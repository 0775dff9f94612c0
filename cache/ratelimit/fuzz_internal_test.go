package ratelimit

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func FuzzTheAddressOfAClient(f *testing.F) {
	for _, s := range []string{"192.0.2.1:80", "192.0.2.1", "[2001:db8::1]:80", "2001:db8::1", "[2001:db8::1]", "[fe80::1%eth0]:1", "::ffff:192.0.2.1", "@", "", "[", "1.2.3.4:x", "[[::1]]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, ok := parseAddr(s)
		if !ok {
			return
		}
		if addr.Is4In6() || addr.Zone() != "" || !addr.IsValid() {
			t.Errorf("%q is %v", s, addr)
		}
		if again, ok := parseAddr(addr.String()); !ok || again != addr {
			t.Errorf("%q is %v, which is read as %v", s, addr, again)
		}
	})
}

// What a proxy has written itself is at the end of the field. Whatever a client has put before it changes nothing.
func FuzzNobodyChoosesWhoTheyAre(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", "1.2.3.4, ", ",,", "10.0.0.1", "unknown", "\"", "[::1]:1, 10.0.0.1,"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	l := &Limiter{options: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Logger: slog.New(slog.DiscardHandler)}}
	want := netip.MustParseAddr("198.51.100.7")
	f.Fuzz(func(t *testing.T, before string, sameLine bool) {
		lines := []string{before, "198.51.100.7, 10.1.2.3"}
		if sameLine {
			lines = []string{before + ", 198.51.100.7"}
		}
		got, ok := l.client(&http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{forwardedFor: lines}})
		if !ok || got != want {
			t.Errorf("%q is from %v, want %v", lines, got, want)
		}
	})
}

func FuzzWhatIsExempt(f *testing.F) {
	for _, s := range []string{"/static/a.css", "/static/../admin", "/static//x", "/static/%2e%2e/admin", "/static/./x", `/static/..\admin`, "/robots.txt", "/robots.txt/", "/static", "/static/", "/x"} {
		f.Add(s)
	}
	e, err := exemptOf([]string{"/static/*", "/robots.txt"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.ParseRequestURI(s)
		if err != nil || !e.has(u) {
			return
		}
		cleaned := path.Clean(strings.ReplaceAll(u.Path, `\`, "/"))
		if u.Path != "/robots.txt" && cleaned != "/static" && !strings.HasPrefix(cleaned, "/static/") {
			t.Errorf("%q is exempt, and is %q to who cleans it", s, cleaned)
		}
	})
}

// Two requests have one key only where limiter and client are the same.
func FuzzKeysDoNotMeet(f *testing.F) {
	f.Add("default", "alice", "default", "bob")
	f.Add("a", "", "a", "192.0.2.1")
	f.Add("a", "b c", "a-b", "c")
	f.Fuzz(func(t *testing.T, name1, user1, name2, user2 string) {
		if !isName(name1) || !isName(name2) {
			return
		}
		key := func(name, user string) string {
			l := &Limiter{options: Options{Name: name, Client: func(*http.Request) string { return user }}}
			return string(l.appendKey(nil, &http.Request{RemoteAddr: "192.0.2.1:80"}))
		}
		if same := key(name1, user1) == key(name2, user2); same != (name1 == name2 && user1 == user2) {
			t.Errorf("limiter %q with user %q and limiter %q with user %q: the same key is %t", name1, user1, name2, user2, same)
		}
	})
}

// However long the names and large the numbers, what a decision is told by is a list of strings with parameters (RFC 9651).
func FuzzWhatIsTold(f *testing.F) {
	f.Add("default", int64(100), int64(time.Minute), int64(99), int64(time.Second), true)
	f.Add("a-B_9", int64(1), int64(time.Microsecond), int64(0), int64(1<<62), false)
	f.Fuzz(func(t *testing.T, name string, requests, period, remaining, after int64, allowed bool) {
		if !isName(name) || requests < 1 || period < 1 || remaining < 0 || after < 0 || after > 1<<62 || period > 1<<62 {
			return
		}
		l, h := &Limiter{}, make(http.Header)
		limits := []cache.Limit{{Name: name, Requests: requests, Period: time.Duration(period)}}
		l.tell(h, limits, policyOf(limits), &cache.Decision{Allowed: allowed, Remaining: remaining, RetryAfter: time.Duration(after), ResetAfter: time.Duration(after)})
		for field, want := range map[string][]string{"Ratelimit-Policy": {"q", "w"}, "Ratelimit": {"r", "t"}} {
			item, params, _ := strings.Cut(h.Get(field), ";")
			if item != `"`+name+`"` {
				t.Errorf("%s: %q", field, h.Get(field))
			}
			var names []string
			for p := range strings.SplitSeq(params, ";") {
				k, v, _ := strings.Cut(p, "=")
				names = append(names, k)
				if v == "" || strings.Trim(v, "0123456789") != "" {
					t.Errorf("%s: %q", field, h.Get(field))
				}
			}
			if !slices.Equal(names, want) {
				t.Errorf("%s: %q", field, h.Get(field))
			}
		}
	})
}
