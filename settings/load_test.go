package settings_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/larder-go/larder/settings"
)

func defaults() settings.Settings {
	name, _ := reflect.TypeFor[settings.Settings]().FieldByName("Name") // whoever makes the clone their own changes it
	return settings.Settings{
		Name: name.Tag.Get("envDefault"), Env: "development",
		Log:       settings.Log{Level: slog.LevelInfo, Format: "text"},
		HTTP:      settings.HTTP{Host: "127.0.0.1", Port: 8000, RequestTimeout: 30 * time.Second, MaxRequestBodyBytes: 5242880},
		Probes:    settings.Probes{LivePath: "/live", ReadyPath: "/ready", Interval: 2 * time.Second, MetricsPath: "/metrics"},
		Shutdown:  settings.Shutdown{DrainDelay: 5 * time.Second, Timeout: 10 * time.Second, Grace: 30 * time.Second},
		Stores:    settings.Stores{},
		Redis:     settings.Redis{Host: "localhost", Port: 6379},
		Session:   settings.Session{Secure: true, IdleTimeout: 30 * time.Minute, Lifetime: 24 * time.Hour},
		RateLimit: settings.RateLimit{Requests: 100, Period: time.Minute, Fail: "open"},
		Items:     settings.Items{Path: "./data/items"},
		Cache: settings.Cache{
			Backend: "memory", DefaultTTL: 5 * time.Minute, MaxEntries: 10000, KeyPrefix: "cache:", RedisDB: 1, Timeout: 250 * time.Millisecond,
			FilePath: "./data/cache", FileSync: "none", HealthTimeout: 2 * time.Second, Readiness: "required",
		},
	}
}

// same compares the values and leaves out what Load found.
func same(t *testing.T, got, want settings.Settings) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(settings.Settings{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("settings differ (-want +got):\n%s", diff)
	}
}

// mustLoad fails where a problem is found.
func mustLoad(t *testing.T, environ ...string) settings.Settings {
	t.Helper()
	s, err := settings.Load(environ)
	if err != nil {
		t.Fatalf("Load(%q): %v", environ, err)
	}
	return s
}

// problems are what Load finds; the settings must be the defaults nonetheless.
func problems(t *testing.T, environ ...string) []string {
	t.Helper()
	s, err := settings.Load(environ)
	same(t, s, defaults())
	ps, _ := errors.AsType[settings.Problems](err)
	if diff := cmp.Diff(ps, s.Problems()); diff != "" {
		t.Errorf("the error and Problems differ:\n%s", diff)
	}
	if len(ps) == 0 {
		return nil
	}
	return strings.Split(ps.Error(), "\n")
}

func TestAnEmptyEnvironmentGivesTheDefaults(t *testing.T) {
	s := mustLoad(t)
	same(t, s, defaults())
	if s.Problems() != nil || s.Warnings() != nil {
		t.Errorf("problems %v and warnings %v, want none", s.Problems(), s.Warnings())
	}
}

func TestEachVariableIsRead(t *testing.T) {
	second := time.Second
	for _, tt := range []struct {
		environ string
		change  func(*settings.Settings)
	}{
		{"APP_NAME=My shop", func(s *settings.Settings) { s.Name = "My shop" }},
		{"APP_ENV=production", func(s *settings.Settings) { s.Env = "production" }},
		{"APP_LOG_LEVEL=WARN", func(s *settings.Settings) { s.Log.Level = slog.LevelWarn }},
		{"APP_LOG_FORMAT=json", func(s *settings.Settings) { s.Log.Format = "json" }},
		{"APP_HOST=::1", func(s *settings.Settings) { s.HTTP.Host = "::1" }},
		{"APP_PORT=65535", func(s *settings.Settings) { s.HTTP.Port = 65535 }},
		{"APP_REQUEST_TIMEOUT=1", func(s *settings.Settings) { s.HTTP.RequestTimeout = second }},
		{"APP_MAX_REQUEST_BODY_BYTES=1024", func(s *settings.Settings) { s.HTTP.MaxRequestBodyBytes = 1024 }},
		{"APP_TRUSTED_PROXIES=10.1.2.3/8, 192.0.2.1,2001:db8::/32,::ffff:172.16.0.0/108", func(s *settings.Settings) {
			for _, p := range []string{"10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "172.16.0.0/12"} {
				s.HTTP.TrustedProxies = append(s.HTTP.TrustedProxies, netip.MustParsePrefix(p))
			}
		}},
		{"APP_HEALTH_CHECK_PATH=/health/live", func(s *settings.Settings) { s.Probes.LivePath = "/health/live" }},
		{"APP_READINESS_CHECK_PATH=/health.ready", func(s *settings.Settings) { s.Probes.ReadyPath = "/health.ready" }},
		{"APP_HEALTH_INTERVAL=500ms", func(s *settings.Settings) { s.Probes.Interval = second / 2 }},
		{"APP_HEALTH_DETAILS=true", func(s *settings.Settings) { s.Probes.Details = true }},
		{"APP_METRICS_PATH=none", func(s *settings.Settings) { s.Probes.MetricsPath = "" }},
		{"APP_DRAIN_DELAY=0", func(s *settings.Settings) { s.Shutdown.DrainDelay = 0 }},
		{"APP_SHUTDOWN_TIMEOUT=24s", func(s *settings.Settings) { s.Shutdown.Timeout = 24 * second }},
		{"APP_SHUTDOWN_GRACE=16s", func(s *settings.Settings) { s.Shutdown.Grace = 16 * second }},
		{"APP_CACHE_BACKEND=memcached", func(s *settings.Settings) { s.Cache.Backend = "memcached" }},
		{"APP_CACHE_DEFAULT_TTL=300", func(s *settings.Settings) { s.Cache.DefaultTTL = 300 * second }},
		{"APP_CACHE_MAX_ENTRIES=1", func(s *settings.Settings) { s.Cache.MaxEntries = 1 }},
		{"APP_CACHE_MAX_BYTES=5000000000", func(s *settings.Settings) { s.Cache.MaxBytes = 5000000000 }},
		{"APP_CACHE_KEY_PREFIX=shop:*:", func(s *settings.Settings) { s.Cache.KeyPrefix = "shop:*:" }},
		{"APP_CACHE_STORAGE_URL=redis://h/1", func(s *settings.Settings) { s.Cache.StorageURL = "redis://h/1" }},
		{"APP_CACHE_REDIS_DB=0", func(s *settings.Settings) { s.Cache.RedisDB = 0 }},
		{"APP_CACHE_TIMEOUT=1ms", func(s *settings.Settings) { s.Cache.Timeout = time.Millisecond }},
		{"APP_CACHE_HEALTH_TIMEOUT=1s", func(s *settings.Settings) { s.Cache.HealthTimeout = second }},
		{"APP_CACHE_READINESS=degraded", func(s *settings.Settings) { s.Cache.Readiness = "degraded" }},
		{"APP_CACHE_FAIL_START=1", func(s *settings.Settings) { s.Cache.FailStart = true }},
		{"APP_STORES=sessions=redis,pages=memory", func(s *settings.Settings) { s.Stores.Names = map[string]string{"sessions": "redis", "pages": "memory"} }},
		{"APP_STORES=Re-port_7=shelf", func(s *settings.Settings) { s.Stores.Names = map[string]string{"Re-port_7": "shelf"} }},
		{"APP_STORES=" + strings.Repeat("x", 64) + "=none", func(s *settings.Settings) { s.Stores.Names = map[string]string{strings.Repeat("x", 64): "none"} }},
		{"APP_STORES_STRICT=true", func(s *settings.Settings) { s.Stores.Strict = true }},
		{"APP_REDIS_HOST=redis-1.internal", func(s *settings.Settings) { s.Redis.Host = "redis-1.internal" }},
		{"APP_REDIS_PORT=7000", func(s *settings.Settings) { s.Redis.Port = 7000 }},
		{"APP_REDIS_USERNAME=me APP_REDIS_PASSWORD=pw", func(s *settings.Settings) { s.Redis.Username, s.Redis.Password = "me", "pw" }},
		{"APP_REDIS_PASSWORD=p w=x", func(s *settings.Settings) { s.Redis.Password = "p w=x" }},
		{"APP_REDIS_TLS=true", func(s *settings.Settings) { s.Redis.TLS = true }},
		{"APP_SESSION_SECURE=false", func(s *settings.Settings) { s.Session.Secure = false }},
		{"APP_SESSION_IDLE_TIMEOUT=1s", func(s *settings.Settings) { s.Session.IdleTimeout = second }},
		{"APP_SESSION_LIFETIME=9600h", func(s *settings.Settings) { s.Session.Lifetime = 9600 * time.Hour }},
		{"APP_REDIS_TLS=true APP_REDIS_CA_FILE=/ca.pem", func(s *settings.Settings) { s.Redis.TLS, s.Redis.CAFile = true, "/ca.pem" }},
		{"APP_ITEMS_PATH=/var/items", func(s *settings.Settings) { s.Items.Path = "/var/items" }},
		{"APP_SETTINGS_STRICT=true", func(*settings.Settings) {}},
	} {
		t.Run(tt.environ, func(t *testing.T) {
			want := defaults()
			tt.change(&want)
			environ := []string{tt.environ}
			if strings.Count(tt.environ, "APP_") > 1 {
				environ = strings.Fields(tt.environ)
			}
			s := mustLoad(t, environ...)
			same(t, s, want)
			if len(s.Warnings()) > 0 {
				t.Errorf("warnings %q, want none", s.Warnings())
			}
		})
	}
}

func TestAWrongValueIsAProblemAndTheDefaultStays(t *testing.T) {
	const (
		ttl   = "; allowed: 1ms to 9600h, written as 5m or as seconds"
		path  = "; allowed: a path such as /live, of letters, digits and -._~/"
		proxy = "; allowed: IP addresses or ranges such as 10.0.0.0/8, separated by commas"
		host  = "; allowed: a host name or an IP address, without port or brackets"
		names = "; allowed: name=backend, separated by commas, each name once; a name has 1 to 64 of A-Z a-z 0-9 _ -"
	)
	long := strings.Repeat("x", 64)
	for environ, want := range map[string]string{
		"APP_NAME=a\tb":                    `APP_NAME="a\tb": too long, or not printable; allowed: 1 to 100 printable characters`,
		"APP_LOG_LEVEL=loud":               "APP_LOG_LEVEL=loud: not a known value; allowed: debug, info, warn or error",
		"APP_LOG_LEVEL=warn+2":             "APP_LOG_LEVEL=warn+2: not a known value; allowed: debug, info, warn or error",
		"APP_LOG_FORMAT=JSON":              "APP_LOG_FORMAT=JSON: not a known value; allowed: text or json",
		"APP_HOST=[::1]":                   "APP_HOST=[::1]: not a host" + host,
		"APP_HOST=localhost:80":            "APP_HOST=localhost:80: not a host" + host,
		"APP_PORT=0":                       "APP_PORT=0: out of range; allowed: 1 to 65535",
		"APP_PORT=65536":                   "APP_PORT=65536: out of range; allowed: 1 to 65535",
		"APP_PORT=99999999999999999999999": "APP_PORT=99999999999999999999999: out of range; allowed: 1 to 65535",
		"APP_PORT=http":                    "APP_PORT=http: not a whole number; allowed: 1 to 65535",
		"APP_PORT= 80":                     `APP_PORT=" 80": not a whole number; allowed: 1 to 65535`,
		"APP_REQUEST_TIMEOUT=0":            "APP_REQUEST_TIMEOUT=0: out of range; allowed: 1ms to 24h, written as 5m or as seconds",
		"APP_MAX_REQUEST_BODY_BYTES=1023":  "APP_MAX_REQUEST_BODY_BYTES=1023: out of range; allowed: 1024 or more",
		"APP_TRUSTED_PROXIES=10.0.0.0/33":  "APP_TRUSTED_PROXIES=10.0.0.0/33: not a list of addresses" + proxy,
		"APP_TRUSTED_PROXIES=10.0.0.1,":    "APP_TRUSTED_PROXIES=10.0.0.1,: not a list of addresses" + proxy,
		"APP_TRUSTED_PROXIES=fe80::1%eth0": "APP_TRUSTED_PROXIES=fe80::1%eth0: not a list of addresses" + proxy,
		"APP_HEALTH_CHECK_PATH=live":       "APP_HEALTH_CHECK_PATH=live: not a path" + path,
		"APP_HEALTH_CHECK_PATH=/live/":     "APP_HEALTH_CHECK_PATH=/live/: not a path" + path,
		"APP_HEALTH_CHECK_PATH=/:id":       "APP_HEALTH_CHECK_PATH=/:id: not a path" + path,
		"APP_READINESS_CHECK_PATH=none":    "APP_READINESS_CHECK_PATH=none: not a path" + path,
		"APP_HEALTH_CHECK_PATH=/ready":     "APP_HEALTH_CHECK_PATH=/ready: the same as APP_READINESS_CHECK_PATH; allowed: a path of its own",
		"APP_METRICS_PATH=/live":           "APP_METRICS_PATH=/live: the same as APP_HEALTH_CHECK_PATH; allowed: a path of its own",
		"APP_HEALTH_INTERVAL=1ms":          "APP_HEALTH_INTERVAL=1ms: out of range; allowed: 10ms to 1h, written as 5m or as seconds",
		"APP_HEALTH_DETAILS=yes":           "APP_HEALTH_DETAILS=yes: neither true nor false; allowed: true or false",
		"APP_DRAIN_DELAY=-1s":              "APP_DRAIN_DELAY=-1s: out of range; allowed: 0s to 24h, written as 5m or as seconds",
		"APP_DRAIN_DELAY=20":               "APP_SHUTDOWN_GRACE=30s: shorter than APP_DRAIN_DELAY=20s, APP_SHUTDOWN_TIMEOUT=10s and 1s for the rest; allowed: 31s or more, or shorter ones there",
		"APP_SHUTDOWN_GRACE=15s":           "APP_SHUTDOWN_GRACE=15s: shorter than APP_DRAIN_DELAY=5s, APP_SHUTDOWN_TIMEOUT=10s and 1s for the rest; allowed: 16s or more, or shorter ones there",
		"APP_CACHE_DEFAULT_TTL=soon":       "APP_CACHE_DEFAULT_TTL=soon: not a duration" + ttl,
		"APP_CACHE_DEFAULT_TTL=0":          "APP_CACHE_DEFAULT_TTL=0: out of range" + ttl,
		"APP_CACHE_DEFAULT_TTL=-5":         "APP_CACHE_DEFAULT_TTL=-5: out of range" + ttl,
		"APP_CACHE_DEFAULT_TTL=9223372037": "APP_CACHE_DEFAULT_TTL=9223372037: not a duration" + ttl,
		"APP_CACHE_MAX_ENTRIES=0":          "APP_CACHE_MAX_ENTRIES=0: out of range; allowed: 1 to 2147483647",
		"APP_CACHE_MAX_BYTES=-1":           "APP_CACHE_MAX_BYTES=-1: out of range; allowed: 0 or more",
		"APP_CACHE_KEY_PREFIX=app":         "APP_CACHE_KEY_PREFIX=app: not a prefix, or without the colon that keeps app: and app2: apart; allowed: printable characters that end in a colon, such as cache:",
		"APP_CACHE_REDIS_DB=-1":            "APP_CACHE_REDIS_DB=-1: out of range; allowed: 0 to 2147483647",
		"APP_CACHE_READINESS=optional":     "APP_CACHE_READINESS=optional: not a known value; allowed: required or degraded",
		"APP_STORES=sessions":              "APP_STORES=sessions: not a list of pairs" + names,
		"APP_STORES=a=b,a=c":               "APP_STORES=a=b,a=c: not a list of named caches" + names,
		"APP_STORES=a=b, c=d":              `APP_STORES="a=b, c=d": not a list of named caches` + names,
		"APP_STORES=a=":                    "APP_STORES=a=: not a list of named caches" + names,
		"APP_STORES==b":                    "APP_STORES==b: not a list of named caches" + names,
		"APP_STORES=a.b=c":                 "APP_STORES=a.b=c: not a list of named caches" + names,
		"APP_STORES=" + long + "x=b":       "APP_STORES=" + long + "…: not a list of named caches" + names,
		"APP_STORES_STRICT=yes":            "APP_STORES_STRICT=yes: neither true nor false; allowed: true or false",
		"APP_REDIS_PORT=0":                 "APP_REDIS_PORT=0: out of range; allowed: 1 to 65535",
		"APP_REDIS_HOST=redis://:pw@h":     "APP_REDIS_HOST: not a host" + host,
		"APP_REDIS_HOST=me:pw@h":           "APP_REDIS_HOST: not a host" + host,
		"APP_REDIS_CA_FILE=ca.pem":         "APP_REDIS_CA_FILE=ca.pem: without effect as long as APP_REDIS_TLS is false; allowed: APP_REDIS_TLS=true, or leave it unset",
	} {
		t.Run(environ, func(t *testing.T) {
			if diff := cmp.Diff([]string{want}, problems(t, environ)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblemsAreInTheOrderOfTheSettings(t *testing.T) {
	got := problems(t, "APP_SETTINGS_STRICT=perhaps", "APP_ZZ=1", "APP_REDIS_PASSWORD_FILE=/no/such", "APP_REDIS_PORT=x", "APP_PORT=x", "APP_LOG_LEVEL=x", "APP_SETTINGS_STRIC=1", "APP_HEALTH_CHECK_PATH=/ready")
	want := []string{"APP_LOG_LEVEL", "APP_PORT", "APP_HEALTH_CHECK_PATH", "APP_REDIS_PORT", "APP_REDIS_PASSWORD_FILE", "APP_SETTINGS_STRICT", "APP_SETTINGS_STRIC"}
	for i, line := range got {
		name, _, _ := strings.Cut(line, ":")
		got[i], _, _ = strings.Cut(name, "=")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	s := mustLoad(t, "APP_PORT=", "APP_CACHE_MAX_ENTRIES=", "APP_CACHE_BACKEDN=", "APP_STORES=", "APP_REDIS_PASSWORD=", "APP_REDIS_PASSWORD_FILE=")
	same(t, s, defaults())
	if s.IsSet("APP_PORT") {
		t.Error("APP_PORT counts as set")
	}
}

func TestOfANameGivenTwiceTheLastCounts(t *testing.T) {
	if s := mustLoad(t, "APP_PORT=1", "APP_PORT=2"); s.HTTP.Port != 2 {
		t.Errorf("port %d, want 2", s.HTTP.Port)
	}
	if s := mustLoad(t, "APP_PORT=1", "APP_PORT="); s.HTTP.Port != 8000 {
		t.Errorf("port %d, want the default where the last is empty", s.HTTP.Port)
	}
}

func TestIsSetTellsWhatTheEnvironmentHas(t *testing.T) {
	s, err := settings.Load([]string{"APP_DRAIN_DELAY=5s", "APP_PORT=x", "PORT=80", "nonsense"})
	if err == nil {
		t.Error("APP_PORT=x is no problem")
	}
	for name, want := range map[string]bool{"APP_DRAIN_DELAY": true, "APP_PORT": true, "APP_HOST": false, "PORT": false, "nonsense": false} {
		if got := s.IsSet(name); got != want {
			t.Errorf("IsSet(%q) = %t, want %t", name, got, want)
		}
	}
}
