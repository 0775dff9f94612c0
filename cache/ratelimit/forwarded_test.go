package ratelimit_test

import (
	"bytes"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache/ratelimit"
)

// TestWhoAsksThroughProxies compares with a client that asks from an address itself: who is the same is refused what that one has taken.
func TestWhoAsksThroughProxies(t *testing.T) {
	const proxy = "10.0.0.1:1"
	for _, c := range []struct {
		name  string
		peer  string
		lines []string // of X-Forwarded-For
		is    string   // the address that it counts as
	}{
		{"one line", proxy, []string{"198.51.100.1"}, "198.51.100.1"},
		{"a port", proxy, []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"IPv6", proxy, []string{"2001:db8::1"}, "[2001:db8::9]"},
		{"IPv6 in brackets", proxy, []string{"[2001:db8::1]"}, "[2001:db8::1]"},
		{"IPv6 with a port", proxy, []string{"[2001:db8::1]:4711"}, "[2001:db8::1]"},
		{"IPv6 with a zone", proxy, []string{"fe80::1%eth0"}, "[fe80::1]"},
		{"IPv4 dressed as IPv6", proxy, []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a trusted hop dressed as IPv6", proxy, []string{"198.51.100.1, ::ffff:10.2.3.4"}, "198.51.100.1"},
		{"a trusted peer dressed as IPv6", "[::ffff:10.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a trusted peer with a zone", "[fd00::1%eth0]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"no spaces", proxy, []string{"203.0.113.9,198.51.100.1,10.2.3.4"}, "198.51.100.1"},
		{"spaces and tabs", proxy, []string{"203.0.113.9 ,\t198.51.100.1 , \t10.2.3.4 "}, "198.51.100.1"},
		{"several lines, of which the last is the nearest", proxy, []string{"203.0.113.9", "198.51.100.1", "10.2.3.4"}, "198.51.100.1"},
		{"several lines with several hops", proxy, []string{"203.0.113.9, 203.0.113.8", "198.51.100.1, 10.2.3.4, 10.2.3.5", "10.2.3.6"}, "198.51.100.1"},
		{"a line that is empty", proxy, []string{"198.51.100.1", ""}, "198.51.100.1"},
		{"a line that begins with a comma", proxy, []string{"198.51.100.1", ",10.2.3.4"}, "198.51.100.1"},
		{"what is no address, of which the proxy before it is told", proxy, []string{"198.51.100.1, unknown, 10.2.3.4"}, "10.2.3.4"},
		{"a name that a client has chosen", proxy, []string{"localhost"}, "10.0.0.1"},
		{"an empty element", proxy, []string{"198.51.100.1, "}, "10.0.0.1"},
		{"an address and more", proxy, []string{"198.51.100.1 198.51.100.2"}, "10.0.0.1"},
		{"an address with a prefix", proxy, []string{"198.51.100.0/24"}, "10.0.0.1"},
		{"an address with zeros in front", proxy, []string{"198.051.100.001"}, "10.0.0.1"},
		{"proxies only", proxy, []string{"10.3.3.3, 10.2.3.4"}, "10.0.0.1"},
		{"nothing", proxy, nil, "10.0.0.1"},
		{"a stranger", "203.0.113.1:1", []string{"198.51.100.1"}, "203.0.113.1"},
		{"a stranger with several lines", "203.0.113.1:1", []string{"10.0.0.1", "198.51.100.1"}, "203.0.113.1"},
		{"a stranger by IPv6", "[2001:db8::7]:1", []string{"198.51.100.1"}, "[2001:db8::7]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limit(t, once(ratelimit.Options{
					TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
					Logger:         slog.New(slog.DiscardHandler),
				}))
				if res := s.from(c.is+":80", "/"); res.StatusCode != http.StatusNoContent {
					t.Fatalf("%s itself gets %d", c.is, res.StatusCode)
				}
				var fields []string
				for _, line := range c.lines {
					fields = append(fields, "X-Forwarded-For", line)
				}
				if res := s.from(c.peer, "/", fields...); res.StatusCode != http.StatusTooManyRequests {
					t.Errorf("%s with %q does not count as %s: %d", c.peer, c.lines, c.is, res.StatusCode)
				}
			})
		})
	}
}

// TestOnlyXForwardedForIsRead has a trusted proxy pass on what clients can write into fields that it does not know.
func TestOnlyXForwardedForIsRead(t *testing.T) {
	for _, field := range []string{"Forwarded", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Forwarded", "X_forwarded_for"} {
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limit(t, once(ratelimit.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}))
				s.from("10.0.0.1:1", "/", field, "198.51.100.1", "X-Forwarded-For", "203.0.113.1")
				if res := s.from("10.0.0.1:1", "/", field, "198.51.100.2", "X-Forwarded-For", "203.0.113.1"); res.StatusCode != http.StatusTooManyRequests {
					t.Errorf("another %s makes another client: %d", field, res.StatusCode)
				}
			})
		})
	}
}

func TestTheTrustedProxiesAreTheCallersToChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		s := limit(t, once(ratelimit.Options{TrustedProxies: trusted, Logger: slog.New(slog.DiscardHandler)}))
		trusted[0] = netip.MustParsePrefix("172.16.0.0/12")
		for _, client := range []string{"198.51.100.1", "198.51.100.2"} {
			if res := s.from("10.0.0.1:1", "/", "X-Forwarded-For", client); res.StatusCode != http.StatusNoContent {
				t.Errorf("%s through what was trusted: %d", client, res.StatusCode)
			}
		}
	})
}

func TestWhatIsLoggedOfAForwardedFieldNamesTheOption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		s := limit(t, ratelimit.Options{Name: "site", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Logger: logger})
		s.from(peer, "/")
		s.from("10.0.0.1:1", "/", "X-Forwarded-For", "198.51.100.1")
		if log.Len() > 0 {
			t.Errorf("logged, where nothing is wrong: %s", log.String())
		}
		s.from("@", "/", "X-Forwarded-For", "198.51.100.1")
		for _, want := range []string{"level=WARN", "add it to Options.TrustedProxies", "peer=@", "limiter=site"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is missing in %s", want, log.String())
			}
		}
		if strings.Contains(log.String(), "198.51.100.1") {
			t.Errorf("what a client has written is in the log: %s", log.String())
		}
	})
}

func TestWithoutALoggerTheDefaultOneIsTold(t *testing.T) {
	var log bytes.Buffer
	before, output, flags := slog.Default(), stdlog.Writer(), stdlog.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer func() {
		slog.SetDefault(before)
		stdlog.SetOutput(output) // SetDefault has made it the new logger's, and does not give it back
		stdlog.SetFlags(flags)
	}()
	limit(t, ratelimit.Options{}).from(peer, "/", "X-Forwarded-For", "198.51.100.1")
	if !strings.Contains(log.String(), "Options.TrustedProxies") {
		t.Errorf("the log is %q", log.String())
	}
}
