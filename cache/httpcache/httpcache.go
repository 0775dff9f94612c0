package httpcache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// Name is what the cache calls itself in Cache-Status, and before -Cache-Control in the targeted field that only this cache obeys: "" is
	// "larder", whose field is Larder-Cache-Control. A letter, then letters, digits and '-'.
	Name string

	// Rule is that of [Cache.Handler]. The zero value caches what the handler's own Cache-Control says.
	Rule Rule

	// IgnoreCookies names cookies that change no response, such as those of analytics. A request with any other cookie counts as one of a
	// certain visitor: what it gets is stored only where the response says that it is for all (public, s-maxage) or varies by Cookie, and only such
	// responses are given to it.
	IgnoreCookies []string

	// ObeyClients makes the cache do what clients say in Cache-Control (RFC 9111 section 5.2.1) and Pragma. Otherwise it obeys only no-store
	// and only-if-cached, for no-cache lets anyone have the handler called at will.
	ObeyClients bool

	// MaxBodyBytes is how long a body may be to be stored, and how much memory a response takes while it is recorded. 0: 1 MiB. Below 0 is an error.
	MaxBodyBytes int64

	// MaxVariants is how many responses are kept for one URL that varies; one more takes the place of the one that would go first.
	// 0: 32. Below 0 is an error.
	MaxVariants int

	// KeepStale is how long a response is kept after it was fresh, for the handler to be asked whether it still holds. 0: an hour. Below 0 is
	// an error.
	KeepStale time.Duration

	// Timeout is how long a request waits for the store, in all. 0: 250 ms. Below 0 is an error.
	Timeout time.Duration

	// Logger gets the panics of handlers and stores in the background, which have no client to see them. nil: [slog.Default].
	Logger *slog.Logger
}

// Rule says what is cached of a handler, and as what. The zero value caches what the handler's own Cache-Control, or Expires, allows, and
// where it has neither and a Last-Modified, for a tenth of the time since then (RFC 9111 section 4.2.2).
//
// No rule makes a response storable that RFC 9111 section 3 or its own Cache-Control forbids to store.
type Rule struct {
	// TTL is how long a response is fresh whose fields do not say so; where they do, they win. It holds for the statuses 200 to 299, 301 and 308
	// unless Filter is given. [cache.Forever] is allowed. 0: there is none. Any other d <= 0 is an error.
	TTL time.Duration

	// Key, where it is not nil, returns the text under which responses are stored and by which requests are told apart, in place of scheme, host, path and query. The
	// method is never part of it, and a POST with the same text invalidates. "": the request is not cached. It must be a function of the request
	// alone, and is called with made-up requests for Location and Content-Location too.
	Key func(r *http.Request) string

	// Filter, where it is not nil, reports whether a response may be stored, of those that may be by RFC 9111. nil: those with statuses below 500. It must change nothing.
	Filter func(r *http.Request, status int, h http.Header) bool

	// Tags, where it is not nil, returns tags for [Cache.InvalidateTags]; it is called after the handler. A tagged response is kept for 30 days at most.
	Tags func(r *http.Request) []string
}

const (
	defaultName        = "larder"
	defaultMaxBody     = 1 << 20
	defaultMaxVariants = 32
	defaultKeepStale   = time.Hour
	defaultTimeout     = 250 * time.Millisecond
)

// Cache is a shared cache of responses in a *cache.Cache. It may be used by many goroutines at once, and by many handlers: a POST that one
// of them answers invalidates what another has answered to GET.
type Cache struct {
	shelf     shelf
	name      string
	targeted  string // the field that only this cache obeys
	rule      Rule
	ignored   []string
	obeys     bool
	maxBody   int64
	keepStale time.Duration
	logger    *slog.Logger

	flights flights
	passes  passes

	storing, refreshing chan struct{} // what goes on of each in the background

	life context.Context //nolint:containedctx // ends with Close: bounds what goes on without a request
	end  context.CancelFunc
	mu   sync.Mutex // orders work.Add before Close's work.Wait
	work sync.WaitGroup
}

// New returns a cache of responses in c. It does not own c, and all that it stores there is in a namespace of its own, "http", so
// that two with the same c share what they store: give each a named cache or a namespace where that is not meant. A nil c is valid and stores nothing. A nil o is
// the default options.
func New(c *cache.Cache, o *Options) (*Cache, error) {
	if o == nil {
		o = &Options{}
	}
	made := &Cache{
		name: o.Name, rule: o.Rule, ignored: slices.Clone(o.IgnoreCookies), obeys: o.ObeyClients,
		maxBody: o.MaxBodyBytes, keepStale: o.KeepStale, logger: o.Logger,
		storing: make(chan struct{}, maxBackground), refreshing: make(chan struct{}, maxBackground),
		shelf: shelf{cache: c.Namespace("http"), maxVariants: o.MaxVariants, guard: guard{timeout: o.Timeout}},
	}
	if made.name == "" {
		made.name = defaultName
	}
	if !isName(made.name) {
		return nil, fmt.Errorf("httpcache: new: Options.Name is %q; allowed: a letter, then letters, digits and '-'", o.Name)
	}
	for _, p := range []struct {
		name  string
		value int64
		set   func()
	}{
		{"MaxBodyBytes", o.MaxBodyBytes, func() { made.maxBody = defaultMaxBody }},
		{"MaxVariants", int64(o.MaxVariants), func() { made.shelf.maxVariants = defaultMaxVariants }},
		{"KeepStale", int64(o.KeepStale), func() { made.keepStale = defaultKeepStale }},
		{"Timeout", int64(o.Timeout), func() { made.shelf.guard.timeout = defaultTimeout }},
	} {
		switch {
		case p.value < 0:
			return nil, fmt.Errorf("httpcache: new: Options.%s is %d; allowed: 0 for the default, or more", p.name, p.value)
		case p.value == 0:
			p.set()
		}
	}
	if err := o.Rule.check(); err != nil {
		return nil, fmt.Errorf("httpcache: new: Options.%w", err)
	}
	made.targeted = http.CanonicalHeaderKey(made.name + "-Cache-Control")
	made.life, made.end = context.WithCancel(context.Background())
	return made, nil
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

func (l *Rule) check() error {
	if l.TTL < 0 {
		return fmt.Errorf("Rule.TTL is %v; allowed: 0 for the handler's own Cache-Control, more, or cache.Forever", l.TTL)
	}
	return nil
}

// Handler returns next behind the cache, under Options.Rule.
func (c *Cache) Handler(next http.Handler) http.Handler {
	return c.handler(c.rule, next)
}

// HandlerFor returns next behind the cache, under a rule of its own. It panics where the rule is wrong, as a wrong constant would.
func (c *Cache) HandlerFor(l Rule, next http.Handler) http.Handler {
	if err := l.check(); err != nil {
		panic("httpcache: " + err.Error())
	}
	return c.handler(l, next)
}

func (c *Cache) handler(l Rule, next http.Handler) http.Handler {
	_, proxies := next.(*httputil.ReverseProxy) // it flushes whatever has no length, be it a stream or not
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _ := visits.Get().(*visit)
		v.cache, v.rule, v.next, v.proxies, v.w, v.r = c, &l, next, proxies, w, r
		v.serve()
	})
}

// InvalidateTags makes all responses with one of these tags misses, those that handlers are making now too.
func (c *Cache) InvalidateTags(ctx context.Context, tags ...string) error {
	keys := make([]string, len(tags))
	for i, tag := range tags {
		keys[i] = tagKey(tag)
	}
	return c.shelf.invalidate(ctx, keys)
}

// InvalidateGroups makes all responses of an origin, such as "https://example.com", that are in one of these groups (RFC 9875) misses.
func (c *Cache) InvalidateGroups(ctx context.Context, origin string, groups ...string) error {
	keys := make([]string, len(groups))
	for i, group := range groups {
		keys[i] = groupKey(normalOrigin(origin), group)
	}
	return c.shelf.invalidate(ctx, keys)
}

func (c *Cache) log() *slog.Logger {
	if c.logger == nil {
		return slog.Default()
	}
	return c.logger
}

// maxBackground is how many responses are stored, and how many are refreshed, at a time without a client that waits. What is beyond is
// stored before its client's request ends, or refreshed by a later request.
const maxBackground = 64

// background runs f in a goroutine that Close waits for, and reports false where there are too many or the cache is closed.
func (c *Cache) background(slots chan struct{}, f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return false
	}
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	c.work.Go(func() {
		defer func() { <-slots }()
		defer c.survive()
		f()
	})
	return true
}

// survive keeps a panic of a handler's or a store's, which has no client to see it, from ending the process.
func (c *Cache) survive() {
	p := recover()
	if err, ok := p.(error); p == nil || ok && errors.Is(err, http.ErrAbortHandler) {
		return
	}
	c.log().Error("a panic in the background", "panic", p, "stack", string(debug.Stack()))
}

// Close ends what goes on in the background and waits for it. Handlers behind the cache go on to work; nothing more is stored. It is idempotent,
// its error is nil, and the *cache.Cache stays open.
func (c *Cache) Close() error {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.work.Wait()
	return nil
}
