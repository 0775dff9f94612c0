package redisstore_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// hard is a password with whatever means something in a URL.
const hard = `p@ss/1:?#[%&]+ ü`

// hardInURL is hard in a URL.
func hardInURL() string { return strings.ReplaceAll(url.QueryEscape(hard), "+", "%20") }

// as is the URL with a scheme and a user in the place of what it has.
func as(scheme, user, of string) string {
	_, rest, _ := strings.Cut(of, "://")
	return scheme + "://" + user + "@" + rest
}

func TestOpenReaches(t *testing.T) {
	t.Parallel()
	const acl = "app"
	user := []string{"--user", acl, "on", ">secret", "~*", "+@all"}
	plain, secret, locked, listed := redistest.StartUnix(t), redistest.StartTLS(t), redistest.Start(t, "--requirepass", hard), redistest.Start(t, user...)
	for _, tc := range []struct{ name, url string }{
		{"a server", "redis://" + plain.Addr()},
		{"a server by the scheme of Valkey", "valkey://" + plain.Addr() + "/0"},
		{"a database", "redis://" + plain.Addr() + "/3"},
		{"a unix socket", plain.URL()},
		{"a database on a unix socket", plain.URL() + "?db=2"},
		{"a server with a password that needs escaping", as("redis", ":"+hardInURL(), locked.URL())},
		{"a server as a user", as("redis", acl+":secret", listed.URL()) + "/1"},
		{"a server by TLS with a CA of its own", secret.URL()},
		{"a server by TLS by its name, and the scheme of Valkey", strings.NewReplacer("127.0.0.1", "localhost", "rediss", "valkeys").Replace(secret.URL())},
	} {
		t.Run(tc.name, func(t *testing.T) { reaches(t, tc.url) })
	}
	t.Run("no server by TLS whose CA it does not know", func(t *testing.T) {
		s := open(t, "rediss://"+secret.Addr(), &redisstore.Options{Timeout: 5 * time.Second})
		if err := s.Ping(t.Context()); !errors.Is(err, redisstore.ErrTLS) {
			t.Errorf("Ping: %v; want ErrTLS", err)
		}
	})
}

func TestOpenReachesAClusterWith(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 2, "--requirepass", hard, "--user", "app", "on", ">secret", "~*", "+@all")
	for _, tc := range []struct{ name, url string }{
		{"a password that needs escaping", as("redis+cluster", ":"+hardInURL(), cluster.URL())},
		{"a user, and the scheme of Valkey", as("valkey+cluster", "app:secret", cluster.URL())},
		{"the name of one node, and the only database", as("redis+cluster", "app:secret", cluster.Nodes()[1].URL()+"/0")},
	} {
		t.Run(tc.name, func(t *testing.T) { reaches(t, tc.url) })
	}
	t.Run("no password says so", func(t *testing.T) { asksForAPassword(t, cluster.URL()) })
	t.Run("a wrong password says so", func(t *testing.T) { asksForAPassword(t, as("redis+cluster", ":wrong", cluster.URL())) })
}

func TestOpenReachesAMasterThatSentinelsKnowWith(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinel(t, "--requirepass", hard)
	known := as("redis+sentinel", ":"+hardInURL(), sentinels.URL())
	t.Run("a password that needs escaping", func(t *testing.T) { reaches(t, known) })
	t.Run("a database, and the scheme of Valkey", func(t *testing.T) {
		reaches(t, as("valkey+sentinel", ":"+hardInURL(), sentinels.URL())+"/2")
	})
	t.Run("no password says so", func(t *testing.T) { asksForAPassword(t, sentinels.URL()) })
	for _, sentinel := range sentinels.Sentinels() { // from now on they don't let each other in either
		client := redistest.Client(t, sentinel.URL())
		for _, rules := range [][]any{
			{"watcher", "on", ">" + hard, "+@all", "allchannels"},
			{"default", "resetpass", ">" + hard},
		} {
			if err := client.Do(t.Context(), append([]any{"acl", "setuser"}, rules...)...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("sentinels that ask for a password", func(t *testing.T) { reaches(t, known+"?sentinel_password="+hardInURL()) })
	t.Run("sentinels that ask for a user", func(t *testing.T) {
		reaches(t, known+"?sentinel_user=watcher&sentinel_password="+hardInURL())
	})
	t.Run("no password for the sentinels says so", func(t *testing.T) { asksForAPassword(t, known) })
}

func reaches(t *testing.T, url string) {
	t.Helper()
	s := open(t, url, &redisstore.Options{Timeout: 5 * time.Second})
	if err := s.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
		t.Errorf("Set: %v", err)
	}
	if value, found, err := s.Get(t.Context(), "key"); string(value) != "value" || !found || err != nil {
		t.Errorf("Get = %q, %t, %v; want what was set", value, found, err)
	}
}

// asksForAPassword checks that the mistake is named, and the password is not.
func asksForAPassword(t *testing.T, url string) {
	t.Helper()
	s := open(t, url, &redisstore.Options{Timeout: 5 * time.Second})
	for name, err := range map[string]error{"Ping": s.Ping(t.Context()), "Set": s.Set(t.Context(), "key", nil, time.Hour)} {
		if !errors.Is(err, redisstore.ErrAuth) || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s: %v; want ErrAuth, and ErrUnavailable", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), hardInURL()) || strings.Contains(err.Error(), ":wrong")) {
			t.Errorf("the error of %s shows the password: %v", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct{ name, url, want string }{
		{"a malformed URL", "redis://u:secret@[::1", "the URL is malformed"},
		{"a URL with a colon too many", "redis://u:secret@h:1:2", "the URL is malformed"},
		{"a port that is no number", "redis://:secret@h:port", "the URL is malformed"},
		{"an unknown scheme", "http://u:secret@h", "an unknown scheme"},
		{"no scheme", "localhost:6379", "an unknown scheme"},
		{"nothing", "", "an unknown scheme"},
		{"a database that is no number", "redis://:secret@h/one", "a database that is not a number"},
		{"a negative database", "redis://:secret@h/-1", "a database that is not a number"},
		{"an unknown parameter", "redis://:secret@h?pool_size=3", "a parameter that is not known"},
		{"a password after a question mark", "redis://h?secret", "a parameter that is not known"},
		{"a user without a password", "redis://app@h", "a user without a password"},
		{"a CA without TLS", "redis://:secret@h?ca_file=/ca.pem", "a parameter that is not known"},
		{"a CA file that is not there", "rediss://:secret@h?ca_file=/nowhere/ca.pem", "/nowhere/ca.pem"},
		{"a CA file without a certificate", "rediss://:secret@h?ca_file=url_test.go", "holds no certificate"},
		{"a socket without a path", "unix://", "names no socket"},
		{"several hosts of one server", "redis://:secret@h1:1,h2:2", "several hosts"},
		{"a cluster with a database", "redis+cluster://:secret@h1:1,h2:2/3", "which a cluster does not have"},
		{"a cluster with a host that is empty", "redis+cluster://:secret@h1:1,,h2:2", "an empty place"},
		{"a sentinel without the name of the master", "redis+sentinel://:secret@h1:1,h2:2", "does not name the master"},
		{"a sentinel's user without a password", "redis+sentinel://h1:1/m?sentinel_user=u", "a sentinel_user without"},
		{"a sentinel's password where there is none", "redis://h1?sentinel_password=secret", "a parameter that is not known"},
		{"a parameter twice", "unix:///s?db=1&db=2", "a parameter twice"},
		{"a kind that nobody knows", "redis+ring://:secret@h1", "an unknown scheme"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := redisstore.Open(t.Context(), tc.url, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Open: %v; want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"redis://u:hunter2@h:1/2", "rediss://:hunter2@[::1]:6379", "unix:///s?db=1", "valkey://h/x", "redis+cluster://a:1,b:2", "redis://%zz:hunter2@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := redisstore.Open(t.Context(), raw, nil)
		if err == nil {
			_ = s.Close()
			return
		}
		if strings.Contains(err.Error(), "hunter2") && !strings.Contains(raw, "?") {
			t.Errorf("Open(%q) shows the password: %v", raw, err)
		}
	})
}
