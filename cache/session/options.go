package session

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// Name is that of the cookie, without the prefix "__Host-", which it gets unless Insecure is set. "" is "session". 1 to 64 letters and digits of ASCII, '_', '-' and '.'.
	Name string

	// Insecure is for plain http without TLS anywhere, as in development: the cookie has neither Secure nor the prefix "__Host-", for browsers refuse both there. Other
	// hosts of the same domain, and whoever is on the wire, can then set it.
	Insecure bool

	// SameSite is that of the cookie. 0: [http.SameSiteLaxMode]. [http.SameSiteStrictMode] and, unless Insecure is set, [http.SameSiteNoneMode] are allowed.
	SameSite http.SameSite

	// IdleTimeout is how long after its last use a session ends. The use is noted a tenth of that apart, so that not every request writes: a session ends
	// between 0.9 and 1.0 of it after its last use. 0: 30 minutes. A second to 400 days.
	IdleTimeout time.Duration

	// Lifetime is how long after its login a session ends, however much it is used, and one without a login after its first write. 0: 24 hours. A second to 400 days.
	Lifetime time.Duration

	// MaxBytes is how long the data may be as JSON. 0: 64 KiB. Below 0 is an error.
	MaxBytes int

	// MaxPerUser is how many sessions a user may have at a time: one login more ends the oldest. 0: 100. Below 0 is an error.
	MaxPerUser int

	// Transient makes a cookie that browsers drop when they are closed. It is one without Max-Age; otherwise that is what is left of Lifetime.
	Transient bool

	// Logger gets what went wrong with the store where a request was answered by 503. nil: [slog.Default].
	Logger *slog.Logger
}

const (
	defaultName       = "session"
	defaultIdle       = 30 * time.Minute
	defaultLifetime   = 24 * time.Hour
	defaultMaxBytes   = 64 << 10
	defaultMaxPerUser = 100

	maxName = 64
	// What browsers keep a cookie for at most, and caches renew a lifetime to.
	maxTime = 400 * 24 * time.Hour
)

// Sessions are the sessions in a *cache.Cache. They may be used by many goroutines at once.
type Sessions struct {
	store      *cache.Cache
	cookie     cookie
	idle       time.Duration
	lifetime   time.Duration
	maxBytes   int
	maxPerUser int
	logger     *slog.Logger
}

// New returns the sessions in c, which must not be nil and whose store must be able to [cache.Cache.Add] and to [cache.Cache.CompareAndSwap]. It does not own c. What it stores there has keys
// that begin with "s.", "u." or "c.": give it a named cache or a namespace of its own, as two with the same c share their sessions. A nil o is the default options.
func New(c *cache.Cache, o *Options) (*Sessions, error) {
	if o == nil {
		o = &Options{}
	}
	if c == nil {
		return nil, errors.New("session: new: the cache is nil, in which no session is kept")
	}
	if err := c.Require(cache.CanAdd | cache.CanSwap); err != nil {
		return nil, fmt.Errorf("session: new: %w", err)
	}
	made := &Sessions{
		store: c, idle: o.IdleTimeout, lifetime: o.Lifetime, maxBytes: o.MaxBytes, maxPerUser: o.MaxPerUser, logger: o.Logger,
		cookie: cookie{name: o.Name, insecure: o.Insecure, sameSite: o.SameSite, transient: o.Transient},
	}
	for _, check := range []func(*Options) error{made.checkCookie, made.checkTimes, made.checkLimits} {
		if err := check(o); err != nil {
			return nil, fmt.Errorf("session: new: %w", err)
		}
	}
	return made, nil
}

func (s *Sessions) checkCookie(o *Options) error {
	if o.Name == "" {
		s.cookie.name = defaultName
	}
	if lower := strings.ToLower(s.cookie.name); strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") {
		return fmt.Errorf("Options.Name is %q; allowed: a name without the prefix, which it gets unless Insecure is set", o.Name)
	}
	if !isCookieName(s.cookie.name) {
		return fmt.Errorf("Options.Name is %.80q; allowed: 1 to %d letters and digits of ASCII, '_', '-' and '.'", o.Name, maxName)
	}
	if !o.Insecure {
		s.cookie.name = "__Host-" + s.cookie.name
	}
	switch o.SameSite {
	case 0:
		s.cookie.sameSite = http.SameSiteLaxMode
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if o.Insecure {
			return errors.New("Options.SameSite is None, which browsers take with Secure only; allowed with Insecure: Lax, Strict")
		}
	default:
		return fmt.Errorf("Options.SameSite is %d; allowed: 0 for Lax, or Lax, Strict or None", o.SameSite)
	}
	return nil
}

func isCookieName(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}

func (s *Sessions) checkTimes(*Options) error {
	for _, t := range []struct {
		name      string
		value     *time.Duration
		otherwise time.Duration
	}{
		{"Options.IdleTimeout", &s.idle, defaultIdle},
		{"Options.Lifetime", &s.lifetime, defaultLifetime},
	} {
		switch {
		case *t.value == 0:
			*t.value = t.otherwise
		case *t.value < time.Second || *t.value > maxTime:
			return fmt.Errorf("%s is %v; allowed: 0 for %v, or 1s to %v", t.name, *t.value, t.otherwise, maxTime)
		}
	}
	return nil
}

func (s *Sessions) checkLimits(*Options) error {
	for _, n := range []struct {
		name      string
		value     *int
		otherwise int
		most      int
	}{
		{"Options.MaxBytes", &s.maxBytes, defaultMaxBytes, cache.MaxValueLen - maxHead},
		{"Options.MaxPerUser", &s.maxPerUser, defaultMaxPerUser, maxEntries},
	} {
		switch {
		case *n.value == 0:
			*n.value = n.otherwise
		case *n.value < 0 || *n.value > n.most:
			return fmt.Errorf("%s is %d; allowed: 0 for %d, or 1 to %d", n.name, *n.value, n.otherwise, n.most)
		}
	}
	return nil
}

func (s *Sessions) log() *slog.Logger {
	if s.logger == nil {
		return slog.Default()
	}
	return s.logger
}
