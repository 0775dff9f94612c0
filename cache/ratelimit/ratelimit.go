package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// Name tells this limiter from others that count in the same cache: those with the same name share what they count. It is part of the store's keys, and the
	// name of a limit that has none. "" is "default". Allowed are 1 to 64 of the characters A-Z a-z 0-9 _ and -.
	Name string

	// Limits hold for each client, all of them at once. Their names are what RateLimit-Policy calls them, and must differ. nil: 100 requests a minute.
	Limits []cache.Limit

	// LimitsFor, where it is not nil, returns the limits of a request in place of Limits: those of a user's plan, say. The slice must not be changed afterwards. Where it is
	// empty the request is not limited. Limits of the same name share what they count: plans need limits with names of their own, or else who has used up one has used up all. Limits that make no sense are logged, once an hour, and Limits holds.
	LimitsFor func(r *http.Request) []cache.Limit

	// Cost, where it is not nil, returns how many requests a request counts as. Below 0 counts as 0, which is never refused, and more than
	// the smallest limit has as that many. nil: 1.
	Cost func(r *http.Request) int64

	// Client, where it is not nil, returns who makes a request, for [ratelimit] to count by in place of the address; "" is the address. It must be something that
	// clients cannot choose: a name that anybody may claim is a limit for nobody. Only a hash of it is stored.
	Client func(r *http.Request) string

	// TrustedProxies are the networks whose X-Forwarded-For is believed. Where it comes from anybody else, that is logged, once an hour.
	TrustedProxies []netip.Prefix

	// ProxiesSetting is what that log line calls TrustedProxies; "" is "Options.TrustedProxies".
	ProxiesSetting string

	// Exempt are paths that are not limited: exactly that path, or where it ends in "/*" all that begin with what is before the '*'. A path with an empty, "." or ".."
	// segment is never exempt.
	Exempt []string

	// FailClosed makes a failing store a 503, in place of counting in this process alone.
	FailClosed bool

	// LegacyFields adds X-RateLimit-Limit, -Remaining and -Reset; the last is in seconds since 1970.
	LegacyFields bool

	// OnDecision, where it is not nil, is called for every request that is not exempt, on its goroutine.
	OnDecision func(Event)

	// Logger gets what LimitsFor and proxies have wrong. nil: [slog.Default].
	Logger *slog.Logger
}

// Event is a decision of a limiter.
type Event struct {
	Limiter string // its name
	Allowed bool
	By      By
	Err     error // the store's, where By is InProcess or Nobody
}

// By is who decided.
type By string

// Who can decide.
const (
	Store     By = "store"
	Memory    By = "memory"  // of this process, which knew that the client is over its limit
	InProcess By = "process" // alone, for the store failed
	Nobody    By = "nobody"  // for the store failed, with Options.FailClosed
)

// Limiter limits requests. It may be used by many goroutines at once and by many handlers, which then share what it counts.
type Limiter struct {
	cache   *cache.Cache
	options Options
	exempt  exempt
	policy  string // RateLimit-Policy of Options.Limits

	refused refusals
	local   local

	forwardedLogged, limitsLogged atomic.Int64 // when, in seconds since 1970
}

// New returns a limiter that counts in c, which must not be nil and whose store must be able to [cache.Cache.Take]. It does not own c. A nil o is the default options.
func New(c *cache.Cache, o *Options) (*Limiter, error) {
	if o == nil {
		o = &Options{}
	}
	l := &Limiter{cache: c, options: *o, local: local{began: time.Now()}}
	if c == nil {
		return nil, errors.New("ratelimit: new: the cache is nil, in which nothing is counted")
	}
	if err := c.Require(cache.CanLimit); err != nil {
		return nil, fmt.Errorf("ratelimit: new: %w", err)
	}
	if l.options.Name == "" {
		l.options.Name = "default"
	}
	if !isName(l.options.Name) {
		return nil, fmt.Errorf("ratelimit: new: Options.Name is %q; allowed: 1 to 64 of A-Z a-z 0-9 _ and -", o.Name)
	}
	if o.Limits == nil {
		l.options.Limits = []cache.Limit{{Requests: 100, Period: time.Minute}}
	}
	limits, err := l.named(l.options.Limits)
	if err != nil {
		return nil, fmt.Errorf("ratelimit: new: Options.Limits: %w", err)
	}
	l.options.Limits, l.policy = slices.Clone(limits), policyOf(limits)
	if l.exempt, err = exemptOf(o.Exempt); err != nil {
		return nil, fmt.Errorf("ratelimit: new: Options.Exempt: %w", err)
	}
	if l.options.ProxiesSetting == "" {
		l.options.ProxiesSetting = "Options.TrustedProxies"
	}
	if l.options.Logger == nil {
		l.options.Logger = slog.Default()
	}
	l.options.TrustedProxies = slices.Clone(o.TrustedProxies)
	return l, nil
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// named returns limits that [cache.Cache.Take] accepts, each with a name that RateLimit-Policy can have.
func (l *Limiter) named(limits []cache.Limit) ([]cache.Limit, error) {
	for i := range limits {
		if limits[i].Name == "" {
			limits = slices.Clone(limits)
			limits[i].Name = l.options.Name
		}
		if !isName(limits[i].Name) {
			return nil, fmt.Errorf("a limit is named %q; allowed: 1 to 64 of A-Z a-z 0-9 _ and -", limits[i].Name)
		}
	}
	_, err := (*cache.Cache)(nil).Take(context.Background(), "limits", limits, 0) // checks them and nothing else
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return limits, nil
}

// Handler returns next behind the limiter.
func (l *Limiter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.exempt.has(r.URL) {
			next.ServeHTTP(w, r)
			return
		}
		limits, policy := l.limitsFor(r)
		if len(limits) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		d, by, err := l.decide(r, limits, policy)
		if l.options.OnDecision != nil {
			l.options.OnDecision(Event{Limiter: l.options.Name, Allowed: d.Allowed, By: by, Err: err})
		}
		if by == Nobody {
			unavailable(w, r)
			return
		}
		l.tell(w.Header(), limits, policy, &d)
		if !d.Allowed {
			refuse(w, r, limits[d.Limit].Name, &d)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitsFor returns the limits of a request and their RateLimit-Policy.
func (l *Limiter) limitsFor(r *http.Request) ([]cache.Limit, string) {
	if l.options.LimitsFor == nil {
		return l.options.Limits, l.policy
	}
	chosen := l.options.LimitsFor(r)
	if len(chosen) == 0 {
		return nil, ""
	}
	limits, err := l.named(chosen)
	if err != nil {
		if isDue(&l.limitsLogged) {
			l.options.Logger.Error("a function chose limits that make no sense; those of Options.Limits hold", "limiter", l.options.Name, "error", err)
		}
		return l.options.Limits, l.policy
	}
	return limits, policyOf(limits)
}

// isDue reports whether an hour has passed since it last did.
func isDue(last *atomic.Int64) bool {
	now, then := time.Now().Unix(), last.Load()
	return now-then >= int64(time.Hour/time.Second) && last.CompareAndSwap(then, now)
}
