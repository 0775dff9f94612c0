package ratelimit

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
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

// What is exempt is what was named, as nobody could write it otherwise.
func FuzzWhatIsExempt(f *testing.F) {
	for _, s := range []string{
		"/static/a.css", "/static/../admin", "/static//x", "/static//", "/static/%2e%2e/admin", "/static/./x", `/static/..\admin`, "/robots.txt", "/robots.txt/", "/static", "/static/",
		"/x", "/a/b/c", "/a/b/../c", "//robots.txt", "/a/x/..", "/static/a%2f..%2fb", "/static/%61", "/static/...", "/static/.a", "http://a.example/static/../x", "*",
	} {
		f.Add(s)
	}
	e, err := exemptOf([]string{"/static/*", "/robots.txt", "/a/b/*", "/a/*"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.ParseRequestURI(s)
		if err != nil {
			return
		}
		want := u.RawPath == "" && !strings.Contains(u.Path, `\`) &&
			(u.Path == "/robots.txt" || strings.HasPrefix(u.Path, "/static/") || strings.HasPrefix(u.Path, "/a/")) &&
			(path.Clean(u.Path) == u.Path || path.Clean(u.Path)+"/" == u.Path)
		if got := e.has(u); got != want {
			t.Errorf("%q is exempt: %t, want %t", s, got, want)
		}
	})
}

// The client is the last of all hops that is no trusted proxy, however the lines are cut; whatever stands right of it is trusted.
func FuzzWhoAsksThroughProxies(f *testing.F) {
	f.Add("10.0.0.1:80", "198.51.100.7, 10.1.2.3", "10.2.3.4")
	f.Add("[fd00::1]:80", "2001:db8::1, [fd00::2]:90", "")
	f.Add("10.0.0.1:80", "unknown, 10.1.2.3", ",")
	f.Add("10.0.0.1:80", "10.1.2.3", "10.3.3.3,::ffff:10.1.1.1%x")
	f.Add("192.0.2.1:80", "10.1.2.3", "10.3.3.3")
	f.Add("@", "198.51.100.7", "")
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	l := &Limiter{options: Options{TrustedProxies: networks, Logger: slog.New(slog.DiscardHandler)}}
	isProxy := func(a netip.Addr) bool {
		return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
	}
	f.Fuzz(func(t *testing.T, remote, first, second string) {
		got, ok := l.client(&http.Request{RemoteAddr: remote, Header: http.Header{forwardedFor: {first, second}}})
		peer, isAddr := parseAddr(remote)
		if ok != isAddr {
			t.Fatalf("from %q there is a client: %t", remote, ok)
		}
		want := peer
		if isAddr && isProxy(peer) {
			var hops []string
			for _, line := range []string{first, second} {
				parts := strings.Split(line, ",")
				if parts[0] == "" {
					parts = parts[1:] // before a comma at the beginning there is nothing, and in a line that is empty
				}
				hops = append(hops, parts...)
			}
			hop := peer
			for i := len(hops) - 1; i >= 0; i-- {
				addr, ok := parseAddr(strings.TrimSpace(hops[i]))
				if !ok {
					want = hop
					break
				}
				if hop = addr; !isProxy(addr) {
					want = addr
					break
				}
			}
		}
		if got != want {
			t.Errorf("from %q through %q and %q asks %v, want %v", remote, first, second, got, want)
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

// However long the names and large the numbers, what a decision is told by is a list of strings with parameters that are whole numbers.
func FuzzWhatIsTold(f *testing.F) {
	f.Add("default", "daily", int64(100), int64(time.Minute), int64(99), int64(time.Second), true)
	f.Add("a-B_9", "", int64(1), int64(time.Microsecond), int64(0), int64(1), false)
	f.Add("x", "y", int64(34_560_000_000_000), int64(400*24*time.Hour), int64(34_560_000_000_000), int64(400*24*time.Hour), true)
	f.Fuzz(func(t *testing.T, name, other string, requests, period, remaining, after int64, allowed bool) {
		limits := []cache.Limit{{Name: name, Requests: requests, Period: time.Duration(period)}}
		if other != "" {
			limits = append(limits, cache.Limit{Name: other, Requests: 5, Period: time.Hour})
		}
		l := &Limiter{options: Options{Name: "limiter"}}
		limits, err := l.named(limits)
		if err != nil || remaining < 0 || remaining > requests || after < 1 || after > period {
			return
		}
		h := make(http.Header)
		l.tell(h, limits, policyOf(limits), &cache.Decision{Allowed: allowed, Remaining: remaining, RetryAfter: time.Duration(after), ResetAfter: time.Duration(after)})
		policy, err := parseList(h.Get("Ratelimit-Policy"))
		if err != nil || len(policy) != len(limits) {
			t.Fatalf("RateLimit-Policy is %q: %v", h.Get("Ratelimit-Policy"), err)
		}
		for i, p := range policy {
			if w := time.Duration(p.params["w"]) * time.Second; p.name != limits[i].Name || len(p.params) != 2 || p.params["q"] != limits[i].Requests || w < limits[i].Period || w-limits[i].Period >= time.Second {
				t.Errorf("RateLimit-Policy is %q for %+v", h.Get("Ratelimit-Policy"), limits)
			}
		}
		left, err := parseList(h.Get("Ratelimit"))
		if err != nil || len(left) != 1 {
			t.Fatalf("RateLimit is %q: %v", h.Get("Ratelimit"), err)
		}
		seconds := time.Duration(left[0].params["t"])*time.Second - time.Duration(after)
		if left[0].name != limits[0].Name || len(left[0].params) != 2 || left[0].params["r"] != remaining || seconds < 0 || seconds >= time.Second {
			t.Errorf("RateLimit is %q, with %d left for %v of %+v", h.Get("Ratelimit"), remaining, time.Duration(after), limits)
		}
	})
}

// item is a member of a list (RFC 9651 section 3.1): a string with parameters, here all of integers.
type item struct {
	name   string
	params map[string]int64
}

// parseList is RFC 9651 section 4.2.1 for such lists, and as strict.
func parseList(s string) ([]item, error) {
	listItem := regexp.MustCompile(`^"([ !#-\[\]-~]*)"((?:;[a-z*][a-z0-9_.*-]*=-?[0-9]{1,15})*)`)
	parameter := regexp.MustCompile(`;([^=]+)=([^;]+)`)
	var list []item
	for {
		all := listItem.FindStringSubmatch(s)
		if all == nil {
			return nil, fmt.Errorf("no item begins at %q", s)
		}
		it := item{all[1], make(map[string]int64)}
		for _, p := range parameter.FindAllStringSubmatch(all[2], -1) {
			n, err := strconv.ParseInt(p[2], 10, 64)
			if err != nil {
				return nil, err
			}
			it.params[p[1]] = n
		}
		list = append(list, it)
		if s = s[len(all[0]):]; s == "" {
			return list, nil
		}
		rest, ok := strings.CutPrefix(s, ", ")
		if !ok {
			return nil, fmt.Errorf("no comma at %q", s)
		}
		s = rest
	}
}
